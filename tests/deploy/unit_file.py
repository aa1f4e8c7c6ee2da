"""What a unit file says, and a sandbox that holds a process to the parts that need no systemd to run."""

import ctypes
import json
import os
import re
import signal
import subprocess
import tomllib

from place import ROOT
from programs import program, run

UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("api", "scheduler", "relay", "standalone")
# Of libseccomp: what happens to a call that is not on the list.
KILL_PROCESS = 0x80000000
ALLOW = 0x7FFF0000


class Unit:
    """One service's unit file and its environment file."""

    def __init__(self, service):
        self.service = service
        self.path = UNITS / f"ccm-{service}.service"
        self.settings = {}
        for line in self.path.read_text().splitlines():
            if "=" in line and not line.startswith("#"):
                name, value = line.split("=", 1)
                self.settings.setdefault(name, []).append(value)

    def last(self, name):
        return self.settings[name][-1]

    def seconds(self, name):
        return int(re.fullmatch(r"(\d+)s", self.last(name))[1])

    def credentials(self):
        """Returns names of credentials, as the process finds them below `%d`."""
        return [value.split(":")[0] for value in self.settings.get("LoadCredential", [])]

    def environment(self, credentials):
        """Returns the environment that systemd would give, with credentials in the folder `credentials`."""
        words = " ".join(self.settings["Environment"]).replace("%d", str(credentials)).replace("%H", "host")
        lines = (UNITS / f"{self.service}.env").read_text().splitlines()
        pairs = words.split() + [line for line in lines if line and not line.startswith("#")]
        return dict(pair.split("=", 1) for pair in pairs)

    def calls(self):
        """Returns the system calls that the unit allows, as systemd resolves its sets."""
        allowed = set()
        for value in self.settings["SystemCallFilter"]:
            members = set().union(*(members_of(word) for word in value.lstrip("~").split()))
            allowed = allowed - members if value.startswith("~") else allowed | members
        # What systemd adds so that a process can be started at all.
        return allowed | members_of("@default") | {"execve"}


def members_of(name):
    if not name.startswith("@"):
        return {name}
    lines = run("systemd-analyze", "--no-pager", "syscall-filter", name).splitlines()[1:]
    words = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return set().union(*(members_of(word) for word in words))


def drain_of(service):
    """Returns the longest time that stopping takes, as `DrainSection::total` has it."""
    defaults = tomllib.loads((ROOT / "services" / service / "defaults.toml").read_text())["drain"]
    delay, streams, requests, jobs = (
        int(re.fullmatch(r"(\d+)s", defaults[phase])[1]) for phase in ("delay", "streams", "requests", "jobs")
    )
    return delay + max(streams, jobs) + requests + 2 * 3


def program_that_kills(calls):
    """Returns a file with the kernel program that ends a process at any call that is not among `calls`."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))
    for name in sorted(calls):
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Negative: not on this architecture.
        if number >= 0:
            assert library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, 0, None) == 0, name
    file = os.memfd_create("filter", flags=0)
    assert library.seccomp_export_bpf(context, file) == 0
    library.seccomp_release(context)
    os.lseek(file, 0, os.SEEK_SET)
    return file


class Sandbox:
    """A process inside what a unit allows: its calls, a read-only system, no home, no capability."""

    def __init__(self, unit, binary, credentials, state, environment):
        calls = program_that_kills(unit.calls())
        told, telling = os.pipe()
        command = [program("bwrap"), "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        command += [word for folder in ("/home", "/root", "/tmp", "/var/tmp") for word in ("--tmpfs", folder)]
        command += ["--ro-bind", binary, "/tmp/service", "--ro-bind", credentials, "/tmp/credentials"]
        command += ["--bind", state, "/tmp/state", "--unshare-all", "--share-net", "--uid", "61184"]
        command += ["--gid", "61184", "--cap-drop", "ALL", "--die-with-parent", "--clearenv", "--as-pid-1"]
        command += ["--seccomp", calls, "--info-fd", telling]
        command += [word for pair in environment.items() for word in ("--setenv", *pair)]
        self.process = subprocess.Popen(
            [*map(str, command), "/tmp/service"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=(calls, telling),
        )
        os.close(calls)
        os.close(telling)
        with os.fdopen(told) as answer:
            self.inner = json.load(answer)["child-pid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def assert_runs(self):
        assert self.process.poll() is None, f"{self.process.returncode}: {self.process.stdout.read()}"

    def stop(self):
        """Asks it to end, and returns its exit code and all that it printed."""
        os.kill(self.inner, signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=60)
        return self.process.returncode, printed
