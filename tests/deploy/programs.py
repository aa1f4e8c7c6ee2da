"""Programs of others that these tests run: on the PATH, or where `dev/setup deploy` unpacked them."""

import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("CCM_CACHE", Path.home() / ".cache" / "ccm"))
TOOLS = Path(os.environ.get("CCM_TOOLS", CACHE / "tools"))
PLACES = [TOOLS / "bin", *(TOOLS / "debian" / folder for folder in ("usr/bin", "usr/sbin"))]


def program(name):
    """Returns where the program is; fails with what to do when it is nowhere."""
    found = shutil.which(name, path=os.pathsep.join([*map(str, PLACES), os.environ["PATH"]]))
    assert found, f"{name} is missing; `dev/setup deploy` installs it"
    return found


def run(name, *arguments, expect=0, env=None, **options):
    """Runs a program to its end and returns all that it printed."""
    path = name if os.sep in str(name) else program(name)
    done = subprocess.run(
        [str(path), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env={**os.environ, **(env or {})},
        **options,
    )
    assert done.returncode == expect, f"{name} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout
