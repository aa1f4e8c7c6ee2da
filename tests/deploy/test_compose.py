"""The compose file: as the compose specification's own program reads it, and what it gives to our processes."""

import json
import os
import re

import pytest
import requests
import yaml

from place import BINARIES, ROOT, Child, eventually, free_port, running
from programs import program, run
from stream import Stream
from unit_file import drain_of

FOLDER = ROOT / "deploy" / "compose"
OURS = ("api", "scheduler", "relay")
SECRETS = {"store-secret-key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "cml-password": "secret"}
ALL = {"COMPOSE_PROFILES": "observe,login"}


@pytest.fixture(scope="module")
def services():
    return read(FOLDER / "compose.yaml")["services"]


def read(file):
    """Returns the file as the program resolves it, with every profile."""
    return json.loads(run("compose-spec", "-format", "json", file, cwd=FOLDER, env=ALL))


def environment(service, secrets):
    """Returns what the process gets, with its secrets in the folder `secrets`."""
    return {name: value.replace("/run/secrets", str(secrets)) for name, value in service["environment"].items()}


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_the_file_holds_what_it_should(services):
    assert set(OURS) | {"gateway", "mongo", "redis"} == {name for name, one in services.items() if not one.get("profiles")}
    profiles = {name: one["profiles"] for name, one in services.items() if one.get("profiles")}
    assert profiles == {
        "prometheus": ["observe"],
        "grafana": ["observe"],
        "collector": ["observe"],
        "keycloak": ["login"],
    }


def test_a_fault_in_the_file_would_be_found(tmp_path):
    text = (FOLDER / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(text.replace("read_only:", "readonly:"))

    said = run("compose-spec", tmp_path / "compose.yaml", cwd=FOLDER, expect=1)

    assert "readonly" in said


def test_everything_that_is_mounted_is_there(services):
    mounted = {mount["source"] for one in services.values() for mount in one.get("volumes", []) if mount["type"] == "bind"}

    assert len(mounted) == 8
    assert [source for source in mounted if not os.path.exists(source)] == []


def test_nothing_is_published_off_loopback(services):
    ports = [port for one in services.values() for port in one.get("ports", [])]

    assert ports and all(port["host_ip"] == "127.0.0.1" for port in ports)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_locked_up_and_given_time_to_stop(services, name):
    service = services[name]

    assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["restart"] == "always"
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert drain_of(name) < seconds(service["stop_grace_period"]) <= drain_of(name) + 15
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    assert service["build"]["target"] in targets


@pytest.mark.parametrize("name", OURS)
def test_the_process_accepts_what_the_file_gives_it(services, name, tmp_path):
    for secret, value in SECRETS.items():
        (tmp_path / secret).write_text(value)

    said = run(BINARIES / f"ccm-{name}", "--check", env=environment(services[name], tmp_path))

    assert "can be used" in said


def test_prometheus_accepts_its_settings_and_asks_every_service(tmp_path):
    text = (FOLDER / "prometheus.yml").read_text()
    rules = ROOT / "deploy" / "prometheus" / "ccm-rules.yaml"
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/ccm-rules.yaml", str(rules)))

    run("promtool", "check", "config", tmp_path / "prometheus.yml")

    asked = [one["dns_sd_configs"][0]["names"] for one in yaml.safe_load(text)["scrape_configs"]]
    assert asked == [[name] for name in OURS]


def test_streams_pass_through_the_gateway(services, tmp_path):
    """Its file as it is but for the ports, before a process that serves loopback alone."""
    public, http, admin = free_port(), free_port(), free_port()
    text = (FOLDER / "gateway.Caddyfile").read_text()
    assert text.count(":8000 {") == 1 and text.count("127.0.0.1:8080") == 1
    assert services["api"]["ports"][0]["target"] == 8000
    file = tmp_path / "Caddyfile"
    file.write_text(text.replace(":8000", f"http://127.0.0.1:{public}").replace(":8080", f":{http}"))
    settings = {"CCM_HTTP__LISTEN": f"127.0.0.1:{http}", "CCM_ADMIN__LISTEN": f"127.0.0.1:{admin}"}
    fleet = Child([BINARIES / "ccm-standalone", "--simulate", "3", "--memory"], settings)
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    gateway = Child([program("caddy"), "run", "--adapter", "caddyfile", "--config", file], home)

    with running(fleet, gateway):
        base = f"http://127.0.0.1:{public}"
        eventually("the gateway answers", lambda: requests.get(f"{base}/api/v1/system", timeout=5).ok)
        stream = Stream(base)
        eventually("events pass while the stream is open", lambda: stream.last and stream.durable + stream.ephemeral)
        stream.close()


def test_the_login_server_knows_the_roles_of_the_product():
    realm = json.loads((FOLDER / "keycloak" / "realm.json").read_text())

    roles = {role["name"] for role in realm["roles"]["realm"]}
    assert roles == {role for user in realm["users"] for role in user["realmRoles"]} == {"admin", "manager", "user"}
    (client,) = realm["clients"]
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    assert all(uri.endswith("/auth/callback") for uri in client["redirectUris"])
