"""One running `sim-cml`: started on a free port, ended with the block that uses it."""

import json
import re
import ssl
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field

# How long the simulator may take to listen.
PATIENCE = 20


@dataclass
class Simulator:
    """What the simulator printed about itself."""

    base: str = ""
    ca_file: str | None = None
    workers: list[str] = field(default_factory=list)

    def sim(self, method: str, path: str, body: dict | None = None) -> object:
        """Reaches behind the scenes: calls `path` below the simulator's root."""
        request = urllib.request.Request(f"{self.base}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
        context = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running(binary: str, *args: str):
    """Starts the simulator, waits until it listens, ends it with the block."""
    command = [binary, "--listen", "127.0.0.1:0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield _introduced(process)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _introduced(process: subprocess.Popen) -> Simulator:
    found = Simulator()
    for line in process.stdout:
        key, _, value = line.strip().partition(": ")
        if key == "ca file":
            found.ca_file = value
        elif key == "worker":
            found.workers.append(value)
        elif key == "listening":
            found.base = value
            assert re.match(r"https?://127\.0\.0\.1:\d+$", value), value
            return found
    raise RuntimeError(f"the simulator ended with code {process.wait()}")
