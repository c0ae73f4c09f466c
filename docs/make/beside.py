"""What a process of its own makes beside the rest of the site, printed as JSON: explorer, pictures of a workload."""

from __future__ import annotations

import json
import sys

import explorer
import figures

if __name__ == "__main__":
    json.dump({"explorer": explorer.page(), "pictures": figures.of_workload()}, sys.stdout)
