"""Makes the modules of this folder, and the processes of the protocol tests, importable from its tests."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "protocols" / "product")]
