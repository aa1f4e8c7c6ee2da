"""The real servers of a run, each test with a database of its own."""

import os
import time


def server(variable):
    assert variable in os.environ, f"{variable} must name a real server; `dev/servers start` starts one"
    return os.environ[variable]


def store_url(purpose):
    """Returns a database of this test's own."""
    name = f"deploy-{purpose}-{os.getpid()}-{time.monotonic_ns()}"
    return server("CCM_TEST_MONGO_URL").replace("/?", f"/{name}?")


def bus_url():
    return server("CCM_TEST_REDIS_URL")
