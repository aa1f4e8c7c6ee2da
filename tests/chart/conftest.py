"""Makes the modules of this folder, helm/generate.py and tests/deploy/programs.py importable from its tests."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "helm")]
# Last, since both folders have modules of the same names.
sys.path.append(str(HERE.parent / "deploy"))
