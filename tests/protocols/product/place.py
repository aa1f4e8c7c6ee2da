"""Real processes for a test: the product, the simulators, moto. All on loopback, all ended with the test."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[3]
BINARIES = Path(os.environ.get("CCM_TEST_BIN_DIR", ROOT / "target" / "debug"))
REGION = "eu-central-1"
# How long a thing that should happen at once may take on a busy machine, seconds.
PATIENCE = 60


# States of an operation that has ended.
ENDED = ("succeeded", "failed", "canceled")


def eventually(what, probe, patience=PATIENCE):
    """Waits until `probe` returns something true and returns it; shows the last value when it never does."""
    deadline = time.monotonic() + patience
    last = None
    while time.monotonic() < deadline:
        try:
            last = probe()
            if last:
                return last
        except (requests.ConnectionError, requests.Timeout, AssertionError, KeyError) as error:
            last = repr(error)
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {patience} s; last: {last!r}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Child:
    """A process whose output is kept; it introduces itself in lines `key: value`."""

    def __init__(self, command, env=None, stdin=None):
        self.process = subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, **(env or {})},
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self.heard = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self.heard.put(line.rstrip())

    def said(self, key, patience=PATIENCE):
        """Returns the value of the first line `key: value` from here on."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                name, _, value = self.heard.get(timeout=0.2).partition(": ")
            except queue.Empty:
                assert self.process.poll() is None, "\n".join(self.lines[-20:])
                continue
            if name.strip() == key:
                return value.strip()
        raise AssertionError(f"it never said {key}: {self.lines[-20:]}")

    def end(self, how=signal.SIGTERM, patience=30):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Product:
    """`ccm-standalone` on a store of its own, against the AWS and CML that `env` names."""

    def __init__(self, folder, env):
        self.folder = folder
        self.base = f"http://127.0.0.1:{free_port()}"
        self.admin = f"http://127.0.0.1:{free_port()}"
        self.env = {
            "CCM_HTTP__LISTEN": self.base.removeprefix("http://"),
            "CCM_ADMIN__LISTEN": self.admin.removeprefix("http://"),
            "CCM_STORE__URL": f"embedded:{folder}/ccm.db",
            "CCM_AWS__REGIONS": REGION,
            "CCM_DRAIN__DELAY": "0s",
            "CCM_TELEMETRY__LOG_FORMAT": "json",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            **env,
        }
        self.child = None

    def start(self):
        self.child = Child([BINARIES / "ccm-standalone"], self.env)
        self.ready()
        return self

    def ready(self):
        def is_ready():
            assert self.child.process.poll() is None, "\n".join(self.child.lines[-30:])
            return requests.get(f"{self.admin}/readyz", timeout=5).status_code == 200

        eventually("the product is ready", is_ready)

    def kill(self):
        self.child.process.kill()
        self.child.process.wait()

    def call(self, method, path, body=None, expect=None, **headers):
        answer = requests.request(
            method,
            f"{self.base}/api/v1{path}",
            json=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            timeout=30,
        )
        wanted = expect or (200, 201, 202, 204)
        assert answer.status_code in (wanted if isinstance(wanted, tuple) else (wanted,)), answer.text
        return answer.json() if answer.content else None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, body, **headers)

    def put(self, path, body):
        tag = requests.get(f"{self.base}/api/v1{path}", timeout=30).headers["ETag"]
        return self.call("PUT", path, body, If_Match=tag)

    def workers(self):
        return self.get("/workers?limit=1000&include_terminated=true")["items"]

    def log(self, after=0):
        """Returns the whole event log behind `after`."""
        entries = []
        while True:
            page = self.get(f"/events/log?after={after}&limit=1000")["items"]
            if not page:
                return entries
            entries += page
            after = int(page[-1]["sequence"])

    def set_idle(self, **changes):
        settings = self.get("/settings")
        wanted = {name: settings[name] for name in ("provisioning", "idle", "import", "retention")}
        wanted["idle"].update(changes)
        self.put("/settings", wanted)


def operation_of(answer):
    return answer["operation"]["id"]


def ended(product, operation, patience=PATIENCE):
    """Waits for the end of an operation and returns it."""

    def has_ended():
        seen = product.get(f"/operations/{operation}")
        assert seen["state"] in ENDED, seen
        return seen

    return eventually(f"operation {operation} ends", has_ended, patience)


@contextmanager
def running(*children):
    try:
        yield children
    finally:
        for child in reversed(children):
            child.end()


def sim_cml(*arguments):
    return Child([BINARIES / "sim-cml", "--listen", "127.0.0.1:0", *arguments])


def sim_aws(*arguments):
    return Child([BINARIES / "sim-aws", "--listen", "127.0.0.1:0", *arguments])


class Moto:
    """A moto server and what boto3 sees and does there."""

    script = ROOT / "tests" / "protocols" / "moto" / "fleet.py"

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, self.script, "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.endpoint = json.loads(self.process.stdout.readline())["endpoint"]

    def ask(self, *words):
        command = [sys.executable, self.script, words[0], self.endpoint, REGION, *map(str, words[1:])]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
