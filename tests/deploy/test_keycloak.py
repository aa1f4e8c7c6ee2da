"""Login with Keycloak itself, its realm and its settings being those of the compose file."""

import json
import time
from pathlib import Path

import pytest
import requests

from keycloak import HOME, Browser, Keycloak, asks_for_a_password, granted
from place import BINARIES, PATIENCE, Child, eventually, free_port, running

PEOPLE = [("ada", "admin", 202), ("max", "operator", 403), ("uma", "viewer", 403)]
EVE = {"username": "eve", "enabled": True, "email": "eve@example.org", "firstName": "Eve", "lastName": "Else"}
AUDIENCE = {
    "name": "audience",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-audience-mapper",
    "config": {"included.client.audience": "ccm", "access.token.claim": "true"},
}


class Place:
    """Keycloak, and a product with a simulated fleet that knows it."""

    def __init__(self, keycloak, port, env=None):
        self.base = f"http://localhost:{port}"
        self.keycloak = keycloak
        listen = {"CCM_HTTP__LISTEN": f"127.0.0.1:{port}", "CCM_ADMIN__LISTEN": f"127.0.0.1:{free_port()}"}
        command = [BINARIES / "ccm-standalone", "--simulate", "3", "--memory"]
        self.product = Child(command, {**keycloak.settings(), **listen, **(env or {})})

    def await_ready(self):
        self.keycloak.await_ready()

        def begins():
            assert self.product.process.poll() is None or pytest.fail("\n".join(self.product.lines))
            return requests.get(f"{self.base}/auth/login", allow_redirects=False, timeout=5).status_code == 303

        eventually("the product knows its login server", begins)

    def logged_in(self, name, host="localhost"):
        browser = Browser(self.base.replace("localhost", host))
        landed = browser.log_in(name)
        assert landed.url == f"{browser.product}/labs", landed.text
        return browser

    def called(self, token):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.base}/api/v1/session", headers=headers, timeout=30)


class Clock:
    """The wall clock of a process, which goes on from wherever it is put."""

    def __init__(self, folder):
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self.file = folder / "clock"
        self.env = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.put(0)

    def put(self, ahead):
        """Puts it ahead by so many seconds."""
        new = self.file.with_suffix(".new")
        new.write_text(f"+{ahead}")
        new.replace(self.file)


class Live:
    """The event stream of a browser."""

    def __init__(self, browser):
        headers = {"Accept": "text/event-stream"}
        self.answer = browser.http.get(f"{browser.product}/api/v1/events", headers=headers, stream=True, timeout=40)
        assert self.answer.status_code == 200, self.answer.text
        self.lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)

    def told(self, what, fits):
        """Returns name and body of the next message that fits."""
        deadline, name = time.monotonic() + PATIENCE, "message"
        for line in self.lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data" and fits(name, json.loads(value)):
                return name, json.loads(value)
            elif not line:
                name = "message"
            assert time.monotonic() < deadline, f"{what} was not told within {PATIENCE} s"
        raise AssertionError(f"the stream ended before it told {what}")

    def event(self):
        return self.told("an event", lambda _, body: "specversion" in body)

    def close(self):
        self.answer.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    port = free_port()
    keycloak = Keycloak(tmp_path_factory.mktemp("keycloak"), port)
    with running(keycloak.child):
        place = Place(keycloak, port)
        with running(place.product):
            place.await_ready()
            yield place


def test_what_is_tried_here_is_what_the_compose_file_runs(place):
    ours, (image, _, tag) = (HOME / "version.txt").read_text(), place.keycloak.service["image"].rpartition(":")

    assert image == "keycloak/keycloak"
    assert ours.split()[-1].rpartition(".")[0] == tag


@pytest.mark.parametrize(("name", "role", "to_create"), PEOPLE)
def test_people_of_the_realm_log_in_with_their_roles(place, name, role, to_create):
    browser = place.logged_in(name)
    region = browser.open("/api/v1/workers").json()["items"][0]["region"]
    wanted = {"name": f"of-{name}", "region": region, "instance_type": "m5zn.metal", "ami_id": "ami-0123456789abcdef0"}

    created = browser.post("/api/v1/workers", wanted)

    session = browser.session()
    assert session["user"] == {"name": name, "kind": "person"}
    assert (session["role"], session["mode"]) == (role, "oidc")
    assert created.status_code == to_create, created.text
    if to_create == 403:
        assert created.headers["Content-Type"] == "application/problem+json"
        assert created.json()["code"] == "forbidden"


def test_events_reach_who_is_logged_in_and_nobody_else(place):
    stranger = Browser(place.base).open("/api/v1/events")
    live = Live(place.logged_in("uma"))

    _, event = live.event()

    live.close()
    assert event["source"]
    assert (stranger.status_code, stranger.json()["code"]) == (401, "unauthenticated")


def test_a_wrong_password_lets_nobody_in(place):
    browser = Browser(place.base)

    page = browser.log_in("ada", "max")

    assert asks_for_a_password(page) and page.url.startswith(place.keycloak.realm)
    assert browser.session()["code"] == "unauthenticated"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_logout_ends_the_session_here_and_at_keycloak(place, host):
    browser = place.logged_in("max", host)
    again = browser.open("/auth/login?return_to=/labs")
    left = browser.post("/auth/logout")

    landed = browser.http.get(left.json()["location"], timeout=60)

    assert again.url == f"{browser.product}/labs", "Keycloak keeps a session of its own until then"
    assert landed.url == f"{browser.product}/"
    assert browser.session()["code"] == "unauthenticated"
    assert asks_for_a_password(browser.open("/auth/login"))


@pytest.mark.parametrize("how", ["of the person", "of the session", "by themselves"])
def test_a_logout_at_keycloak_ends_the_session_and_its_stream(place, how):
    keycloak, browser, other = place.keycloak, place.logged_in("ada"), place.logged_in("uma")
    ada = keycloak.person("ada")
    live = Live(browser)
    live.event()

    if how == "of the person":
        keycloak.admin("POST", f"/users/{ada}/logout")
    elif how == "of the session":
        for session in keycloak.admin("GET", f"/users/{ada}/sessions"):
            keycloak.admin("DELETE", f"/sessions/{session['id']}")
    else:
        door = browser.http.get(f"{keycloak.realm}/protocol/openid-connect/logout", timeout=60)
        browser.submit(door)

    assert browser.session()["code"] == "unauthenticated"
    assert live.told("its end", lambda name, _: name == "auth_expired")[1]["reason"] == "revoked"
    assert other.session()["role"] == "viewer"


def test_a_program_calls_with_a_token_of_its_own(place):
    """As docs/LOGIN.md says: another client, whose tokens name us once they have a mapper for that."""
    robot = {"clientId": "robot", "secret": "SECRET", "serviceAccountsEnabled": True, "standardFlowEnabled": False}
    place.keycloak.admin("POST", "/clients", robot)
    (client,) = place.keycloak.admin("GET", "/clients?clientId=robot")
    account = place.keycloak.admin("GET", f"/clients/{client['id']}/service-account-user")
    place.keycloak.give(account["id"], "manager")
    ask = lambda: granted(place.keycloak.token(auth=("robot", "SECRET"), data={"grant_type": "client_credentials"}))

    elsewhere = place.called(ask())
    place.keycloak.admin("POST", f"/clients/{client['id']}/protocol-mappers/models", AUDIENCE)
    token = ask()
    ours, forged = place.called(token), place.called(tampered(token))

    assert elsewhere.status_code == 401 and "audience" in elsewhere.text
    assert ours.json()["user"] == {"name": "service-account-robot", "kind": "token"}
    assert ours.json()["role"] == "operator"
    assert forged.status_code == 401 and "signature" in forged.text
    assert forged.headers["Content-Type"] == "application/problem+json"


def tampered(token):
    """Returns the token with another signature, of the same length."""
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:20]}{'A' if signature[20] != 'A' else 'B'}{signature[21:]}"


def test_the_realm_takes_passwords_on_its_own_page_alone(place):
    form = {"grant_type": "password", "username": "ada", "password": "ada"}

    refused = place.keycloak.token(auth=("ccm", "ccm-compose-only"), data=form)

    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


@pytest.fixture
def later(place, tmp_path):
    """Another product of the same realm, with a clock of its own: Keycloak's tokens hold for 300 s."""
    clock, port = Clock(tmp_path), free_port()
    place.keycloak.let_in(port)
    later = Place(place.keycloak, port, clock.env)
    with running(later.product):
        later.await_ready()
        yield later, clock


def test_a_login_follows_what_keycloak_says_of_somebody(later):
    (other, clock), keycloak = later, later[0].keycloak
    keycloak.admin("POST", "/users", {**EVE, "credentials": [{"type": "password", "value": "eve"}]})
    eve = keycloak.person("eve")
    keycloak.give(eve, "user")
    browser = other.logged_in("eve")
    first = browser.session()

    keycloak.give(eve, "admin")
    clock.put(305)
    second = browser.session()
    keycloak.admin("PUT", f"/users/{eve}", {**EVE, "enabled": False})
    clock.put(610)
    third = browser.session()

    assert (first["role"], second["role"]) == ("viewer", "admin")
    assert third["code"] == "unauthenticated"


def test_a_logout_of_the_whole_realm_is_seen_by_the_next_question(later):
    """Keycloak tells it to nobody."""
    other, clock = later
    browser = other.logged_in("max")

    other.keycloak.admin("POST", "/logout-all")
    before = browser.session()
    clock.put(305)

    assert before["role"] == "operator"
    assert browser.session()["code"] == "unauthenticated"
