"""A cluster of one node, and the programs that a person uses with it."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from functools import partial
from pathlib import Path

import images
from place import BINARIES, ROOT, Child, free_port

TOOLS = Path(os.environ.get("CCM_TOOLS", Path(os.environ.get("CCM_CACHE", Path.home() / ".cache/ccm")) / "tools"))
SCRIPT = ROOT / "dev/kubernetes-node"
PROGRAMS = ("ccm-api", "ccm-scheduler", "ccm-relay", "sim-aws", "sim-cml")


class Node:
    """The cluster, and images in its registry."""

    def __init__(self, folder):
        self.folder = folder
        started = subprocess.run([SCRIPT, "start", folder / "node"], stdout=subprocess.PIPE, text=True)
        if started.returncode != 0:
            self.end()
            raise AssertionError("see above; dev/kubernetes-node install builds it")
        said = dict(line.split("=", 1) for line in started.stdout.split())
        self.registry = said["REGISTRY"]
        # Where skopeo is told that a registry speaks plain HTTP.
        registries = folder / ".config/containers/registries.conf"
        registries.parent.mkdir(parents=True)
        registries.write_text(f'[[registry]]\nlocation = "{self.registry}"\ninsecure = true\n')
        self.environment = {
            **os.environ,
            "KUBECONFIG": said["KUBECONFIG"],
            "HOME": str(folder),
            "PATH": f"{TOOLS / 'bin'}:{os.environ['PATH']}",
        }

    def end(self):
        subprocess.run([SCRIPT, "stop", self.folder / "node"], check=True)

    def run(self, *command, patience=300):
        done = subprocess.run(
            list(map(str, command)), env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=patience
        )
        assert done.returncode == 0, f"{command[0]} {command[1]}: {done.stdout}{done.stderr}"
        return done.stdout

    def enter(self, *command):
        return self.run(SCRIPT, "enter", self.folder / "node", *command)

    def push_others(self):
        """Pushes the images that the chart takes from others. Returns them as values of the chart."""
        values = {}
        for value, name, (root, command) in (
            ("", "pause:1", images.pause()),
            ("tools.image", "busybox:test", images.tools()),
            ("redis.image", "redis:test", images.redis()),
            ("mongodb.image", "mongo:test", images.mongo(TOOLS)),
        ):
            layout = self.folder / name.partition(":")[0]
            root.layout(layout, command)
            # Byte by byte: to compress takes longer than to copy.
            self.run("skopeo", "copy", "--preserve-digests", f"oci:{layout}", f"docker://{self.registry}/{name}")
            shutil.rmtree(layout)
            values[value] = f"{self.registry}/{name}"
        del values[""]
        return values

    def make_images(self):
        """Does what `make images` does, with the binaries of tests instead of those of a release. Returns the folder."""
        made, binaries = self.folder / "images", self.folder / "binaries"
        binaries.mkdir()
        for name in PROGRAMS:
            # Without what only a debugger reads, which is most of a debug build.
            self.run("strip", "--strip-debug", "-o", binaries / name, BINARIES / name)
        only = [word for name in PROGRAMS for word in ("--only", name)]
        self.run(BINARIES / "xtask", "images", "--binaries", binaries, "--output", made, *only)
        shutil.rmtree(binaries)
        return made

    def follow_readme(self, others):
        """Runs the commands of README.md until the last one has printed an event; returns that, and the seconds from
        `helm install` on."""
        text = (ROOT / "README.md").read_text()
        block = text.partition("## Run it on Kubernetes")[2].partition("```sh\n")[2].partition("```")[0]
        first, _, rest = block.partition("\n")
        assert first.split()[:2] == ["make", "images"]
        made, port = self.make_images(), free_port()
        values = ",".join(f"{name}={value}" for name, value in others.items())
        for there, here in (
            ("target/images", str(made)),
            ("registry.example.com", self.registry),
            ("image.tag=try", f"image.tag=try,{values}"),
            ("8080:8080", f"{port}:8080"),
            ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ):
            assert there in rest, there
            rest = rest.replace(there, here)
        try:
            return self.first_event(rest)
        finally:
            shutil.rmtree(made)

    def first_event(self, script):
        shell = subprocess.Popen(
            ["bash", "-ec", script],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        # The last command reads for ever, and the one before it would stay.
        end = partial(os.killpg, shell.pid, signal.SIGTERM)
        late = threading.Timer(600, end)
        late.start()
        said, installed = [], None
        try:
            for line in shell.stdout:
                said.append(line)
                if line.startswith("NAME: ccm"):
                    installed = time.monotonic()
                if line.startswith("data: ") and "specversion" in line:
                    return json.loads(line.removeprefix("data: ")), time.monotonic() - installed
        finally:
            late.cancel()
            end()
            shell.wait()
        raise AssertionError(f"no event came:\n{''.join(said)}")


class Forward:
    """`kubectl port-forward` to the API of one pod."""

    def __init__(self, node, target):
        command = ["kubectl", "-n", "ccm", "port-forward", target, ":8080"]
        self.child = Child(command, node.environment)
        while not (said := re.match(r"Forwarding from (127\.0\.0\.1:\d+)", self.child.heard.get(timeout=60))):
            pass
        self.base = f"http://{said[1]}"

    def is_open(self):
        return self.child.process.poll() is None

    def end(self):
        self.child.end()


class Doors:
    """A way to each pod of the API, as a Service has it: with login off there is none, since pods listen on loopback."""

    def __init__(self, node):
        self.node, self.open, self.turn = node, {}, 0
        self.refresh()

    def pods(self):
        """Returns the names of the pods that are ready and stay."""
        asked = self.node.run(
            "kubectl", "-n", "ccm", "get", "pod", "-l", "app.kubernetes.io/component=api", "-o",
            'go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}'
            '{{range .status.conditions}}{{if eq .type "Ready"}} {{.status}}{{end}}{{end}}{{"\\n"}}{{end}}{{end}}',
        )
        return [line.split()[0] for line in asked.splitlines() if line.endswith(" True")]

    def refresh(self):
        """Opens a way to pods that have none; those that are leaving keep theirs until they are gone."""
        for pod in self.pods():
            if pod not in self.open:
                self.open[pod] = Forward(self.node, f"pod/{pod}")

    def base(self):
        """Returns the next one, in turns."""
        ways = [it for it in self.open.values() if it.is_open()]
        self.turn += 1
        return ways[self.turn % len(ways)].base if ways else "http://127.0.0.1:9"

    def end(self):
        for way in self.open.values():
            way.end()
