"""What a process of its own makes beside the rest of the site: explorer, pictures of a workload, as JSON."""

from __future__ import annotations

import json
import sys

import explorer
import figures

if __name__ == "__main__":
    json.dump({"explorer": explorer.page(), "pictures": figures.of_workload()}, sys.stdout)
