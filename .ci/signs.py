"""What this processor, under these settings, is seen to be; `stages` runs it in each environment.

As JSON: NumPy's features in use above its baseline, the kernels and threads of NumPy's and SciPy's OpenBLAS,
and the hash of what the C library computes.
"""

import ctypes
import hashlib
import json
import math
from pathlib import Path

import numpy
import scipy

try:
    from numpy._core import _multiarray_umath as core
except ImportError:  # before NumPy 2
    from numpy.core import _multiarray_umath as core

kernels, threads = [], []
for package in (numpy, scipy):
    for file in sorted(Path(package.__file__).parent.parent.glob(f"{package.__name__}.libs/*openblas*")):
        library = ctypes.CDLL(str(file))
        for start, end in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            if name := getattr(library, f"{start}openblas_get_corename{end}", None):
                name.restype = ctypes.c_char_p
                kernels.append(name().decode())
                threads.append(getattr(library, f"{start}openblas_get_num_threads{end}")())
values = [f(1 + k / 997) for k in range(3000) for f in (math.exp, math.log, math.sin)]
signs = {
    "features": [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)],
    "kernels": kernels,
    "threads": threads,
    "values": hashlib.sha256(repr(values).encode()).hexdigest(),
}
print(json.dumps(signs))
