"""Keycloak with the realm of the compose file, and browsers that log in there."""

import html
import json
import re
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin

import pytest
import requests

from place import ROOT, Child, eventually, free_port
from programs import TOOLS, program, run

COMPOSE = ROOT / "deploy" / "compose"
HOME = TOOLS / "keycloak"
# What its own script gives to Java, but for less memory and for a start that matters more than speed.
JAVA = [
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("util", "util.concurrent", "security", "lang")),
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
]
# Where a start takes a while on a busy machine, seconds.
PATIENCE = 300


def services():
    """Returns the services of the compose file, as the program of the compose specification reads them."""
    said = run("compose-spec", "-format", "json", COMPOSE / "compose.yaml", cwd=COMPOSE, env={"COMPOSE_PROFILES": "login"})
    return json.loads(said)["services"]


class Keycloak:
    """One process in a folder of its own, with what the compose file gives it but for ports.

    Its realm is the shipped one: nothing but the ports of the product's addresses is another.
    """

    def __init__(self, folder, product):
        """Starts it for a product on that port."""
        assert HOME.is_dir(), "Keycloak is missing; `dev/setup deploy` installs it"
        self.service, self.api = services()["keycloak"], services()["api"]
        self.base = f"http://localhost:{free_port()}"
        self.realm = f"{self.base}/realms/ccm"
        self.folder = folder
        for part in ("lib", "providers", "conf", "themes"):
            (folder / part).symlink_to(HOME / part)
        (folder / "data" / "import").mkdir(parents=True)
        (folder / "data" / "import" / "realm.json").write_text(realm(product))
        self.child = Child([program("java"), *JAVA, *self.command()], self.environment())

    def command(self):
        """Returns the command of the compose file, for a Keycloak that `dev/setup` has made ready.

        `start-dev` would make it ready again for each start, into the folder that all starts share.
        """
        mode, *options = self.service["command"]
        assert mode == "start-dev" and options[-1] == "--http-port=8081", self.service["command"]
        return [
            f"-Dkc.home.dir={self.folder}",
            "-cp",
            self.folder / "lib" / "quarkus-run.jar",
            "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
            *("start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1"),
            *options[:-1],
            f"--http-port={self.port()}",
        ]

    def port(self):
        return self.base.rpartition(":")[2]

    def environment(self):
        return {name: self.here(value) for name, value in self.service["environment"].items()}

    def settings(self):
        """Returns what the compose file tells the API about its login server."""
        given = {name: self.here(value) for name, value in self.api["environment"].items() if name.startswith("CCM_AUTH__OIDC")}
        return {**given, "CCM_AUTH__MODE": "oidc"}

    def here(self, value):
        return value.replace("http://localhost:8081", self.base)

    def await_ready(self):
        def answers():
            assert self.child.process.poll() is None or pytest.fail("\n".join(self.child.lines))
            return requests.get(f"{self.realm}/.well-known/openid-configuration", timeout=30).ok

        eventually("Keycloak answers", answers, PATIENCE)

    def admin(self, method, path, body=None):
        """Asks its own API, as the compose file's administrator."""
        given = self.service["environment"]
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": given["KC_BOOTSTRAP_ADMIN_USERNAME"],
            "password": given["KC_BOOTSTRAP_ADMIN_PASSWORD"],
        }
        token = granted(requests.post(f"{self.base}/realms/master/protocol/openid-connect/token", data=form, timeout=60))
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(method, f"{self.base}/admin/realms/ccm{path}", json=body, headers=headers, timeout=60)
        assert answer.ok, f"{answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    def person(self, name):
        (one,) = self.admin("GET", f"/users?username={name}&exact=true")
        return one["id"]

    def give(self, person, role):
        self.admin("POST", f"/users/{person}/role-mappings/realm", [self.admin("GET", f"/roles/{role}")])

    def let_in(self, product):
        """Lets people come back to one more product, on that port."""
        (client,) = self.admin("GET", "/clients?clientId=ccm")
        client["redirectUris"].append(f"http://localhost:{product}/auth/callback")
        self.admin("PUT", f"/clients/{client['id']}", client)

    def token(self, **form):
        return requests.post(f"{self.realm}/protocol/openid-connect/token", timeout=60, **form)


def realm(product):
    """Returns the shipped realm for a product on that port.

    People reach the product of the compose file on 8080, Keycloak its gateway on 8000.
    """
    text = (COMPOSE / "keycloak" / "realm.json").read_text()
    assert re.findall(r":(\d{4})/auth/[a-z-]+", text) == ["8080", "8080", "8000"]
    return re.sub(r"(http://(?:localhost|127\.0\.0\.1)):80[08]0\b", rf"\1:{product}", text)


def granted(answer):
    assert answer.ok, answer.text
    return answer.json()["access_token"]


class Loopback(DefaultCookiePolicy):
    """As browsers have it, loopback is safe enough for cookies that are for safe places only."""

    def set_ok(self, cookie, request):
        cookie.secure = False
        return super().set_ok(cookie, request)


class Browser:
    """Somebody's browser: it keeps cookies, goes where it is sent, and fills in forms."""

    def __init__(self, product):
        self.product = product
        self.http = requests.Session()
        self.http.cookies.set_policy(Loopback())
        self.http.headers["Accept"] = "text/html,application/json"

    def open(self, path):
        return self.http.get(urljoin(self.product, path), timeout=60)

    def post(self, path, body=None):
        """Asks as a page of the product does."""
        headers = {"Origin": self.product, "Sec-Fetch-Site": "same-origin"}
        return self.http.post(urljoin(self.product, path), json=body or {}, headers=headers, timeout=60)

    def submit(self, page, **fields):
        """Sends the form of a page, with what is hidden in it."""
        (form,) = re.findall(r"<form\b.*?</form>", page.text, re.DOTALL)
        target = re.search(r"<form\b[^>]*?\baction=\"([^\"]*)\"", form)[1]
        hidden = [tag for tag in re.findall(r"<input\b[^>]*>", form) if attribute(tag, "type") in ("hidden", "submit")]
        sent = {attribute(tag, "name"): attribute(tag, "value") for tag in hidden if attribute(tag, "name")}
        return self.http.post(urljoin(page.url, html.unescape(target)), data={**sent, **fields}, timeout=60)

    def log_in(self, name, password=None):
        page = self.open("/auth/login?return_to=/labs")
        assert asks_for_a_password(page), page.text
        return self.submit(page, username=name, password=password or name)

    def session(self):
        return self.open("/api/v1/session").json()

    def cookie(self):
        """Returns what makes its requests those of a login."""
        (value,) = [one.value for one in self.http.cookies if one.name == "ccm_session"]
        return f"ccm_session={value}"


def attribute(tag, name):
    found = re.search(rf"\b{name}=\"([^\"]*)\"", tag)
    return html.unescape(found[1]) if found else ""


def asks_for_a_password(page):
    return page.ok and 'name="password"' in page.text
