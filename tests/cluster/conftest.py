"""A real API server for the tests of this folder, and what tests/chart knows of renderings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/chart"), str(ROOT / "helm")]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Returns the environment of programs that speak to it."""
    folder = tmp_path_factory.mktemp("kubernetes") / "server"
    script = ROOT / "dev/kubernetes"
    started = subprocess.run([script, "start", folder], stdout=subprocess.PIPE, text=True)
    try:
        assert started.returncode == 0, "see above; dev/kubernetes install builds it"
        yield {**os.environ, **dict([started.stdout.strip().split("=", 1)])}
    finally:
        subprocess.run([script, "stop", folder])
