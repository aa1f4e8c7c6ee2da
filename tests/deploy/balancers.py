"""The load balancers of `docs/load-balancers`, run as documented but for addresses."""

from place import ROOT, Child, free_port
from programs import program, run

FILES = ROOT / "docs" / "load-balancers"
# Documented addresses, and where the processes of a test are instead.
HOSTS = {f"192.0.2.{number}": f"127.0.0.{number}" for number in (11, 12, 13)}

# What Debian's main file has around a file in conf.d, with all paths in the test's folder.
NGINX = """
daemon off;
pid {folder}/pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    default_type application/octet-stream;
    gzip on;
    gzip_types *;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/ccm.conf;
}}
"""


class Balancer:
    """One program with its file, in a folder of the test."""

    def __init__(self, folder, file, public, http, admin):
        self.folder = folder
        self.public = public
        self.config = folder / file
        text = (FILES / file).read_text()
        for documented, here in HOSTS.items():
            assert documented in text
            text = text.replace(f"{documented}:8080", f"{here}:{http}")
        text = self.listening(text).replace("port 9090", f"port {admin}").replace("_port 9090", f"_port {admin}")
        self.config.write_text(text)

    def check(self):
        """Lets the program judge its file."""
        return run(*self.checking(), env=self.home())

    def start(self):
        return Child(self.running(), env=self.home())

    def home(self):
        """Returns where a program may keep things, and nowhere else."""
        return {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}


class Nginx(Balancer):
    file = "nginx.conf"

    def __init__(self, folder, *ports):
        super().__init__(folder, self.file, *ports)
        self.config.rename(folder / "ccm.conf")
        self.config.write_text(NGINX.format(folder=folder))

    def listening(self, text):
        return text.replace("listen 8080", f"listen 127.0.0.1:{self.public}")

    def checking(self):
        return ["nginx", "-t", "-e", "stderr", "-p", self.folder, "-c", self.config]

    def running(self):
        return [program("nginx"), "-e", "stderr", "-p", self.folder, "-c", self.config]


class HAProxy(Balancer):
    file = "haproxy.cfg"

    def __init__(self, folder, *ports):
        super().__init__(folder, self.file, *ports)

    def listening(self, text):
        # The machine of a test may not have as many open files as the product's.
        return text.replace("bind :8080", f"bind 127.0.0.1:{self.public}").replace("maxconn 200000", "maxconn 8000")

    def checking(self):
        return ["haproxy", "-c", "-f", self.config]

    def running(self):
        return [program("haproxy"), "-db", "-f", self.config]


class Caddy(Balancer):
    file = "Caddyfile"

    def __init__(self, folder, *ports):
        super().__init__(folder, self.file, *ports)

    def listening(self, text):
        # Compressing everything else must not touch the streams. Nothing of the machine is changed: no port of
        # its own, no certificate among those that the machine trusts.
        site = f"{{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}}\n\nhttp://127.0.0.1:{self.public} {{\n\tencode gzip"
        return text.replace(":8080 {", site, 1)

    def checking(self):
        return ["caddy", "validate", "--adapter", "caddyfile", "--config", self.config]

    def running(self):
        return [program("caddy"), "run", "--adapter", "caddyfile", "--config", self.config]


KINDS = {"nginx": Nginx, "haproxy": HAProxy, "caddy": Caddy}


def made(name, folder, http, admin):
    return KINDS[name](folder, free_port(), http, admin)
