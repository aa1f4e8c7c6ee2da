"""Three API processes and a relay on real servers, and a load balancer before them."""

import os
import re
from contextlib import contextmanager

import pytest
import requests

from balancers import HOSTS, made
from place import BINARIES, REGION, Child, eventually, free_port, running
from servers import bus_url, store_url

API_HOSTS = list(HOSTS.values())
SCHEDULER_HOSTS = ["127.0.0.3", "127.0.0.4"]
# For tests of something else: drained in a moment. The delay is twice what the balancers need to notice.
QUICK = {"CCM_DRAIN__DELAY": "4s", "CCM_DRAIN__STREAMS": "2s", "CCM_SSE__HEARTBEAT": "1s", "CCM_SSE__REBALANCE": "10s"}


class Fleet:
    """Three API processes with the same ports on addresses of their own, and a relay, on real servers.

    A whole one has a second relay, two schedulers, and something for them to do.
    """

    def __init__(self, purpose, options=QUICK, whole=False):
        self.options = options
        self.http, self.admin = free_port(), free_port()
        self.shared = {
            "CCM_STORE__URL": store_url(purpose),
            "CCM_BUS__URL": bus_url(),
            "CCM_BUS__NAMESPACE": f"{purpose}-{os.getpid()}-{self.http}",
            "CCM_TELEMETRY__LOG_FORMAT": "json",
        }
        self.roles = {"127.0.0.1": "relay", **({"127.0.0.2": "relay"} if whole else {})}
        self.roles |= dict.fromkeys(SCHEDULER_HOSTS, "scheduler") if whole else {}
        self.roles |= dict.fromkeys(API_HOSTS, "api")
        self.world = World() if whole else None
        self.processes = {host: self.start(host) for host in self.roles}
        for host in self.roles:
            self.await_ready(host)

    def start(self, host):
        role = self.roles[host]
        own = {"CCM_ADMIN__LISTEN": f"{host}:{self.admin}"}
        if role != "scheduler":
            own["CCM_HTTP__LISTEN"] = f"{host}:{self.http}"
        else:
            own |= self.world.env
        if role == "api":
            own |= {"CCM_AUTH__MODE": "dev", **self.options}
        return Child([BINARIES / f"ccm-{role}"], {**self.shared, **own})

    def await_ready(self, host):
        probe = lambda: requests.get(f"http://{host}:{self.admin}/readyz", timeout=5).status_code == 200
        eventually(f"{host} is ready", probe)

    def streams(self):
        """Returns how many streams each process has, by its own count."""
        return [self.metric(host, "ccm_sse_clients") for host in API_HOSTS]

    def metric(self, host, name):
        text = requests.get(f"http://{host}:{self.admin}/metrics", timeout=10).text
        return sum(int(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\d+)$", text, re.MULTILINE))

    def restart(self, host):
        self.processes[host].end(patience=60)
        assert self.processes[host].process.returncode == 0, self.processes[host].lines[-5:]
        self.processes[host] = self.start(host)
        self.await_ready(host)

    def end(self):
        for child in self.processes.values():
            child.process.terminate()
        for child in self.processes.values():
            child.end()
        if self.world:
            self.world.end()


class World:
    """A cloud with some instances for schedulers to look at."""

    def __init__(self):
        cml, aws = free_port(), free_port()
        listening = lambda name, port, *more: Child([BINARIES / name, "--listen", f"127.0.0.1:{port}", *more])
        self.cml = listening("sim-cml", cml, "--workers", "0", "--no-people")
        self.aws = listening("sim-aws", aws, "--workers", "3", "--cml", f"http://127.0.0.1:{cml}")
        self.env = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws}",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CCM_AWS__REGIONS": REGION,
            "CCM_CML__ENDPOINT": f"http://127.0.0.1:{cml}/{{instance_id}}",
            "CCM_JOBS__OBSERVE_INSTANCES__EVERY": "5s",
            "CCM_JOBS__RECONCILE_WORKERS__EVERY": "5s",
        }

    def end(self):
        self.aws.end()
        self.cml.end()


@contextmanager
def balanced(name, folder, fleet):
    balancer = made(name, folder, fleet.http, fleet.admin)
    with running(balancer.start()) as (child,):
        base = f"http://127.0.0.1:{balancer.public}"

        def answers():
            assert child.process.poll() is None or pytest.fail("\n".join(child.lines))
            return requests.get(f"{base}/api/v1/system", timeout=5).ok

        eventually(f"{name} answers", answers)
        yield base


def everything_told(base, after):
    """Returns the log once the relay has told what was committed."""

    def settled():
        backlog = requests.get(f"{base}/api/v1/system", timeout=10).json()["events"]["backlog"]
        return backlog == 0

    eventually("all is told", settled)
    entries = []
    while page := requests.get(f"{base}/api/v1/events/log?after={after}&limit=1000", timeout=10).json()["items"]:
        entries += page
        after = int(page[-1]["sequence"])
    return entries
