"""The units: as systemd reads them, and the processes inside of what they allow."""

import os
import signal

import pytest
import requests

from place import BINARIES, eventually, free_port
from programs import run
from servers import bus_url, store_url
from unit_file import SERVICES, UNITS, Sandbox, Unit, drain_of

# Of 10, where a service without any sandbox has 9.6.
EXPOSURE = 1.5
# The scheduler's calls go nowhere, and need no account.
NO_CLOUD = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
VALUES = {
    "store-url": "mongodb://user:secret@127.0.0.1:1/ccm\n",
    "bus-url": "redis://127.0.0.1:1\n",
    "store-secret-key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    "cml-password": "secret\n",
}


@pytest.fixture
def credentials(tmp_path):
    """Returns a folder of credentials for servers that do not answer."""
    return written(tmp_path, VALUES)


@pytest.fixture
def real_credentials(tmp_path):
    """Returns a folder of credentials for the real servers, with a database of the test's own."""
    return written(tmp_path, {**VALUES, "store-url": store_url("systemd"), "bus-url": bus_url()})


def written(folder, values):
    credentials = folder / "credentials"
    credentials.mkdir()
    for name, value in values.items():
        (credentials / name).write_text(value)
    return credentials


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_finds_no_fault_in_a_unit(service, tmp_path):
    text = Unit(service).path.read_text().replace("/usr/bin/", f"{BINARIES}/")
    (tmp_path / f"ccm-{service}.service").write_text(text)

    said = run("systemd-analyze", "verify", "--man=no", tmp_path / f"ccm-{service}.service")

    assert said == ""


def test_a_fault_in_a_unit_would_be_found(tmp_path):
    text = Unit("relay").path.read_text().replace("Restart=always", "Restart=allways")
    (tmp_path / "ccm-relay.service").write_text(text.replace("/usr/bin/", f"{BINARIES}/"))

    said = run("systemd-analyze", "verify", "--man=no", tmp_path / "ccm-relay.service")

    assert "allways" in said


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_exposes_little(service):
    arguments = ("security", "--offline=true", "--no-pager", f"--threshold={round(EXPOSURE * 10)}")

    run("systemd-analyze", *arguments, Unit(service).path)


def test_a_unit_that_exposes_more_would_be_found(tmp_path):
    text = Unit("api").path.read_text().replace("SystemCallFilter=", "#").replace("ProtectSystem=", "#")
    (tmp_path / "ccm-api.service").write_text(text)
    arguments = ("security", "--offline=true", "--no-pager", f"--threshold={round(EXPOSURE * 10)}")

    run("systemd-analyze", *arguments, tmp_path / "ccm-api.service", expect=1)


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_waits_a_little_longer_than_draining_takes(service):
    wait, drain = Unit(service).seconds("TimeoutStopSec"), drain_of(service)

    assert drain < wait <= drain + 15


@pytest.mark.parametrize("service", SERVICES)
def test_the_example_environment_is_accepted_with_secrets_from_files(service, credentials):
    unit = Unit(service)

    said = run(BINARIES / f"ccm-{service}", "--check", env=unit.environment(credentials))
    shown = run(BINARIES / f"ccm-{service}", "--print-config", env=unit.environment(credentials))

    assert "can be used" in said
    for name in unit.credentials():
        assert f"{credentials}/{name}" in shown
    assert "secret@" not in shown


def test_every_environment_file_belongs_to_a_unit():
    assert {path.stem for path in UNITS.glob("*.env")} == set(SERVICES)
    for service in SERVICES:
        assert Unit(service).last("EnvironmentFile") == f"/etc/ccm/{service}.env"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_lives_with_only_the_calls_and_files_it_is_allowed(service, real_credentials, tmp_path):
    """With real servers, until it is told to stop; any other system call kills it."""
    unit = Unit(service)
    admin = f"127.0.0.1:{free_port()}"
    state = tmp_path / "state"
    state.mkdir()
    settings = {**unit.environment("/tmp/credentials"), **NO_CLOUD, "CCM_ADMIN__LISTEN": admin}
    settings |= {"CCM_DRAIN__DELAY": "0s", "CCM_BUS__NAMESPACE": f"deploy-{os.getpid()}"}
    if service in ("api", "standalone"):
        settings["CCM_HTTP__LISTEN"] = "127.0.0.1:0"
    if service == "standalone":
        settings["CCM_STORE__URL"] = "embedded:/tmp/state/ccm.db"

    with Sandbox(unit, BINARIES / f"ccm-{service}", real_credentials, state, settings) as sandbox:

        def is_ready():
            sandbox.assert_runs()
            return requests.get(f"http://{admin}/readyz", timeout=5).status_code == 200

        eventually(f"{service} is ready", is_ready)
        code, printed = sandbox.stop()

    assert code == 0, printed
    assert f"ccm-{service} has stopped" in printed


def test_a_call_that_a_unit_does_not_allow_ends_the_process(credentials, tmp_path):
    unit = Unit("relay")
    assert "mount" not in unit.calls()
    unit.settings["SystemCallFilter"].append("~socket")

    with Sandbox(unit, BINARIES / "ccm-relay", credentials, tmp_path, unit.environment("/tmp/credentials")) as sandbox:
        sandbox.process.wait(timeout=60)

    assert sandbox.process.returncode == 128 + signal.SIGSYS
