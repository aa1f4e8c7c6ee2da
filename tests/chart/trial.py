"""The trial of the chart on this machine: each container as a process, with its own command line, files and variables."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import requests
from place import BINARIES, Pod
from rendering import SERVICES, container

# How long a thing that should happen at once may take on a busy machine, seconds.
PATIENCE = 90


def eventually(what, probe):
    """Waits until `probe` returns something true and returns it; shows the last value when it never does."""
    deadline, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < deadline:
        try:
            if last := probe():
                return last
        except requests.RequestException as error:
            last = repr(error)
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {PATIENCE} s; last: {last!r}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Trial:
    """Processes of one rendering. What a cluster's names and ports become here is in `names`."""

    def __init__(self, objects, folder, store, bus):
        self.objects, self.folder = objects, folder
        self.children, self.logs = {}, {}
        self.admin = {service: free_port() for service in SERVICES}
        self.port = free_port()
        aws, cml = free_port(), free_port()
        database = f"ccm_chart_{os.getpid()}"
        self.names = {
            "mongodb://ccm-mongodb:27017/ccm": re.sub(r"/(\?|$)", rf"/{database}\1", store, count=1),
            "redis://ccm-redis:6379": bus,
            'namespace = "main"': f'namespace = "{database}"',
            "ccm-sim:4566": f"127.0.0.1:{aws}",
            "ccm-sim:8443": f"127.0.0.1:{cml}",
            "127.0.0.1:8443": f"127.0.0.1:{cml}",
            "0.0.0.0:8443": f"127.0.0.1:{cml}",
            "0.0.0.0:4566": f"127.0.0.1:{aws}",
            "127.0.0.1:8080": f"127.0.0.1:{self.port}",
            **{f"ccm-{service}-admin:9090": f"127.0.0.1:{port}" for service, port in self.admin.items()},
        }
        self.api = f"http://127.0.0.1:{self.port}/api/v1"

    def here(self, text):
        for name, local in self.names.items():
            text = text.replace(name, local)
        return text

    def start(self):
        for name in ("sim-cml", "sim-aws"):
            args = container(self.objects.pod("ccm-sim"), name)["args"]
            self.launch(name, [BINARIES / name, *map(self.here, args)], {})
        for service in SERVICES:
            pod = Pod(self.objects, service, self.folder / service)
            pod.rewrite(self.here)
            environment = {name: self.here(value) for name, value in pod.environment().items()}
            environment["CCM_ADMIN__LISTEN"] = f"127.0.0.1:{self.admin[service]}"
            self.launch(service, [BINARIES / f"ccm-{service}", *pod.arguments()], environment)

    def launch(self, name, command, environment):
        self.logs[name] = self.folder / f"{name}.log"
        with self.logs[name].open("w") as log:
            self.children[name] = subprocess.Popen(
                list(map(str, command)), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def script(self, pod, name):
        """Starts a container that is a shell script, with busybox as in its image."""
        it = container(self.objects.pod(pod), name)
        tools = self.folder / "bin"
        if not tools.exists():
            tools.mkdir()
            for tool in ("sh", "wget", "grep", "sleep", "timeout"):
                (tools / tool).symlink_to(shutil.which("busybox"))
        text = self.local_names(it["args"][0])
        self.launch(name, [tools / "sh", *it["command"][1:], text], {"PATH": str(tools)})
        return self.children[name]

    def local_names(self, script):
        # The script puts the name together itself.
        for service, port in self.admin.items():
            script = script.replace(f"ccm-{service}-admin:9090", f"127.0.0.1:{port}")
        ports = "; ".join(f"{service}_port={port}" for service, port in self.admin.items())
        script = script.replace("http://ccm-$service-admin:9090", 'http://127.0.0.1:$(eval echo \\$${service}_port)')
        return f"{ports}\n{self.here(script)}"

    def is_ready(self, service):
        return requests.get(f"http://127.0.0.1:{self.admin[service]}/readyz", timeout=5).ok

    def stop(self, name):
        """Ends a process as Kubernetes does; returns its code and how long it took."""
        begun = time.monotonic()
        self.children[name].send_signal(signal.SIGTERM)
        return self.children[name].wait(timeout=PATIENCE), time.monotonic() - begun

    def close(self):
        for child in self.children.values():
            child.kill()
            child.wait()
