"""`python examples/healthmesh/healthmesh.py start|stop|status|defects`, from any folder."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # The parts import each other as one package, which is found from the root of the repository.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module("examples.healthmesh", run_name="__main__", alter_sys=True)
