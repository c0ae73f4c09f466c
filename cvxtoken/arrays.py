"""Type names shared by the whole package."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
FloatLike: TypeAlias = float | Sequence[float] | FloatArray
