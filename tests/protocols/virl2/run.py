"""Runs every check against a simulator of its own kind; says `N passed, N failed`."""

import logging
import os
import sys
import time
import traceback
import warnings
from itertools import count

# Nothing is left in the tree.
sys.dont_write_bytecode = True

import checks  # noqa: E402
from simulator import running  # noqa: E402

# Simulated seconds per real second: nodes and licences are ready at once.
SPEED = "200"
KINDS = [
    ("http, CML 2.9.0", ["--version", "2.9.0"]),
    ("https, CML 2.9.0", ["--version", "2.9.0", "--tls"]),
    ("http, CML 2.10.0", ["--version", "2.10.0"]),
    ("https, CML 2.10.0", ["--version", "2.10.0", "--tls"]),
]


def main() -> int:
    binary = os.environ.get("CCM_SIM_CML")
    if not binary:
        print("CCM_SIM_CML must name the simulator's binary")
        return 2
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    # The client would read these and talk to somebody else.
    for name in [name for name in os.environ if name.startswith(("VIRL", "CML_"))]:
        del os.environ[name]
    os.environ["NO_PROXY"] = "127.0.0.1"
    named = [(name, call) for name, call in vars(checks).items() if name.startswith("check_")]
    passed = failed = 0
    for kind, args in KINDS:
        with running(binary, "--workers", "1", "--speed", SPEED, "--no-people", *args) as simulator:
            # Each check has a controller to itself: any well-formed instance id has one.
            for number, (name, call) in zip(count(1), named):
                url = f"{simulator.base}/i-1{number:016x}/"
                begun = time.monotonic()
                try:
                    call(checks.Place(simulator, url))
                    passed += 1
                    took = time.monotonic() - begun
                    print(f"ok      {kind}: {name[6:].replace('_', ' ')} ({took:.1f} s)")
                except Exception:
                    failed += 1
                    print(f"FAILED  {kind}: {name[6:].replace('_', ' ')}")
                    traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
