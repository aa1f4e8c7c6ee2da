"""Real clusters for the tests of this folder, what tests/chart knows of renderings, and the streams of tests/protocols."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / it) for it in ("tests/protocols/product", "tests/chart", "helm")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Returns the environment of programs that speak to it."""
    folder = tmp_path_factory.mktemp("kubernetes") / "server"
    script = ROOT / "dev/kubernetes"
    started = subprocess.run([script, "start", folder], stdout=subprocess.PIPE, text=True)
    try:
        assert started.returncode == 0, "see above; dev/kubernetes install builds it"
        environment = {**os.environ, **dict([started.stdout.strip().split("=", 1)])}
        kinds = Path(__file__).parent / "operator.yaml"
        subprocess.run(["kubectl", "apply", "--filename", kinds], env=environment, check=True)
        wait = ["kubectl", "wait", "--for=condition=Established", "--timeout=60s", "--filename", kinds]
        subprocess.run(wait, env=environment, check=True)
        yield environment
    finally:
        subprocess.run([script, "stop", folder])
