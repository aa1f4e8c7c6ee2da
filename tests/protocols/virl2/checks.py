"""What the stock client must be able to do. Each function `check_*` gets a fresh `Place`."""

import time
from dataclasses import dataclass

import httpx
from virl2_client import ClientLibrary, InitializationError
from virl2_client.exceptions import APIError, LabNotFound, NodeNotFound

from simulator import Simulator

TOPOLOGY = """
lab:
  title: From a file
  description: two hosts
  notes: ''
  version: 0.3.0
nodes:
  - id: n0
    label: left
    node_definition: alpine
    x: -100
    y: 0
    configuration: hostname left
    interfaces:
      - {id: i0, label: eth0, slot: 0, type: physical}
  - id: n1
    label: right
    node_definition: server
    x: 100
    y: 0
    interfaces:
      - {id: i0, label: eth0, slot: 0, type: physical}
links:
  - {id: l0, n1: n0, i1: i0, n2: n1, i2: i0}
"""


@dataclass
class Place:
    """One controller, and how to log in to it."""

    simulator: Simulator
    url: str

    def client(self, url: str | None = None, **changed) -> ClientLibrary:
        """Logs in as the stock client does."""
        settings = {
            "username": "admin",
            "password": "admin",
            "ssl_verify": self.simulator.ca_file or False,
            "allow_http": True,
        }
        client = ClientLibrary(url or self.url, **(settings | changed))
        client.licensing.wait_interval = 0.1
        return client

    def lab(self, **settings):
        """Imports the topology; waiting for it to converge looks often."""
        lab = self.client().import_lab(TOPOLOGY, **settings)
        lab.wait_time = 0.05
        return lab


def refused(call, kind, text=""):
    """Asserts that `call` raises one of `kind`, and what it says."""
    try:
        call()
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error!r}"
        return error
    raise AssertionError(f"{kind} was expected")


def check_log_in_with_a_path_prefix(place):
    client = place.client()
    assert client.is_system_ready()
    assert client.system_info()["ready"] is True


def check_log_in_without_a_prefix(place):
    assert place.client(url=place.simulator.base).all_labs(show_all=True)


def check_wrong_password_is_refused(place):
    refused(lambda: place.client(password="wrong", raise_for_auth_failure=True), InitializationError)


def check_log_in_with_a_token(place):
    token = place.client().jwtoken
    place.client(username=None, password=None, jwtoken=token).all_labs(show_all=True)


def check_a_lost_session_is_renewed(place):
    client = place.client()
    before = client.jwtoken
    place.simulator.sim("DELETE", place.url[len(place.simulator.base):] + "_sim/sessions")
    assert client.all_labs(show_all=True)
    assert client.jwtoken != before


def check_log_out_ends_the_session(place):
    client = place.client()
    token = client.jwtoken
    assert client.logout() is True
    error = refused(
        lambda: place.client(username=None, password=None, jwtoken=token), APIError
    )
    assert error.response.status_code == 401


def check_list_labs_with_owner_nodes_and_links(place):
    labs = place.client().all_labs(show_all=True)
    assert labs
    for lab in labs:
        assert lab.title and lab.owner and lab.nodes() and lab.links()
        assert lab.state() == "DEFINED_ON_CORE"
        for node in lab.nodes():
            assert node.node_definition and node.interfaces()


def check_find_a_lab_by_its_title(place):
    client = place.client()
    title = client.all_labs(show_all=True)[0].title
    assert [lab.title for lab in client.find_labs_by_title(title)] == [title]


def check_the_whole_life_of_a_lab(place):
    lab = place.lab(title="Round trip")
    assert (lab.title, len(lab.nodes()), len(lab.links())) == ("Round trip", 2, 1)
    assert lab.get_node_by_label("left").configuration == "hostname left"

    lab.start(wait=True)
    lab.sync()
    assert lab.state() == "STARTED" and lab.is_active()
    lab.sync_states()
    assert {node.state for node in lab.nodes()} == {"BOOTED"}
    assert {link.state for link in lab.links()} == {"STARTED"}

    refused(lambda: lab.wipe(wait=False), APIError, "must be stopped")
    refused(lab.remove, APIError, "must be stopped")
    lab.stop(wait=True)
    assert lab.state() == "STOPPED"
    refused(lab.remove, APIError, "must be wiped")
    lab.wipe(wait=True)
    assert lab.state() == "DEFINED_ON_CORE"
    lab.remove()
    refused(lambda: place.client().join_existing_lab(lab.id), LabNotFound)


def check_what_a_running_lab_tells(place):
    lab = place.lab()
    lab.start(wait=True)
    lab.sync_statistics()
    lab.sync_layer3_addresses()
    lab.sync_operational()
    lab.sync_events()
    assert any(node.statistics["cpu_usage"] > 0 for node in lab.nodes())
    assert all(node.operational["ram"] > 0 for node in lab.nodes())
    assert lab.details()["node_count"] == 2
    assert any(interface.discovered_ipv4 for node in lab.nodes() for interface in node.interfaces())


def check_one_node_starts_and_stops(place):
    lab = place.lab()
    node = lab.get_node_by_label("left")
    node.start(wait=True)
    assert node.is_booted() and lab.state() == "STARTED"
    node.stop(wait=True)
    lab.sync_states()
    assert node.state == "STOPPED"
    node.wipe(wait=True)
    lab.sync_states()
    assert node.state == "DEFINED_ON_CORE"


def check_build_a_lab_by_hand(place):
    lab = place.client().create_lab("By hand")
    one = lab.create_node("one", "iosv", 0, 0, populate_interfaces=True)
    two = lab.create_node("two", "alpine", 200, 0)
    link = lab.connect_two_nodes(one, two)
    assert {link.node_a.label, link.node_b.label} == {"one", "two"}
    two.x = 300
    lab.sync()
    assert lab.get_node_by_label("two").x == 300
    refused(lambda: lab.create_node("three", "no-such-thing"), APIError, "definition")
    lab.remove_link(link)
    lab.remove_node(one)
    lab.sync()
    assert [node.label for node in lab.nodes()] == ["two"] and not lab.links()
    refused(lambda: lab.get_node_by_label("one"), NodeNotFound)
    lab.title = "Renamed"
    assert lab.details()["lab_title"] == "Renamed"


def check_download_and_import_again(place):
    client = place.client()
    lab = client.all_labs(show_all=True)[0]
    text = lab.download()
    again = client.import_lab(text, title="Again")
    assert sorted(node.label for node in again.nodes()) == sorted(node.label for node in lab.nodes())
    assert len(again.links()) == len(lab.links())


def check_a_bad_topology_is_refused(place):
    refused(lambda: place.client().import_lab("nodes: ["), APIError, "Bad topology")


def check_an_unknown_lab_is_not_found(place):
    missing = "7f5b0a2e-0000-4000-8000-000000000000"
    refused(lambda: place.client().join_existing_lab(missing), LabNotFound)


def check_a_licence_is_registered_and_given_back(place):
    licensing = place.client().licensing
    assert licensing.status()["registration"]["status"] == "NOT_REGISTERED"
    assert licensing.set_product_license("CML_Enterprise")
    assert licensing.register_wait("good-token")
    status = licensing.status()
    assert status["authorization"]["status"] == "IN_COMPLIANCE"
    assert status["registration"]["expires"] and status["features"][0]["in_use"] == 1
    assert licensing.renew_authorization() and licensing.register_renew()
    refused(lambda: licensing.register("good-token"), APIError, "already registered")
    assert licensing.deregister() == 204
    error = refused(licensing.deregister, APIError)
    assert error.response.status_code == 400


def check_a_bad_licence_token_fails_with_a_reason(place):
    licensing = place.client().licensing
    licensing.register("bad-token")
    licensing.wait_for_status("registration", "FAILED")
    assert licensing.status()["registration"]["register_time"]["failure"]


def check_deregistration_without_the_licence_server(place):
    client = place.client()
    client.licensing.register_wait("good-token")
    path = place.url[len(place.simulator.base):]
    place.simulator.sim("POST", path + "_sim/faults", {"kind": "license_server_away"})
    assert client.licensing.deregister() == 202
    place.simulator.sim("DELETE", path + "_sim/faults")


def check_the_system_tells_about_itself(place):
    client = place.client()
    assert client.get_system_health()["valid"] is True
    stats = client.get_system_stats()
    assert 0 < stats["all"]["cpu"]["percent"] <= 100
    assert stats["all"]["memory"]["used"] < stats["all"]["memory"]["total"]
    system = client.system_management
    assert len(system.compute_hosts) == 1 and system.controller.is_connected
    assert system.maintenance_mode is False
    # The client can read, change and remove notices, but has no call of its own to make one.
    body = {"level": "WARNING", "label": "Pause", "content": "This worker will stop"}
    made = client._session.post("system/notices", json=body).json()
    system.sync_system_notices()
    notice = system.system_notices[made["id"]]
    assert (notice.label, notice.enabled) == ("Pause", False)
    notice.update({"enabled": True})
    system.sync_system_notices()
    assert notice.enabled
    notice.remove()
    system.sync_system_notices()
    assert not system.system_notices


def check_telemetry_shows_what_was_done(place):
    client = place.client()
    lab = client.import_lab(TOPOLOGY)
    lab.start(wait=False)
    events = client.system_management.get_telemetry_events()
    categories = {event["category"] for event in events}
    assert {"import_lab", "start_lab", "user_activity"} <= categories, categories


def check_users_are_listed_made_and_removed(place):
    client = place.client()
    users = client.user_management
    made = users.create_user("visitor", "a-long-password")
    assert users.user_id("visitor") == made["id"]
    visitor = place.client(username="visitor", password="a-long-password")
    assert visitor.all_labs(show_all=True) == []
    refused(visitor.licensing.status, APIError, "access")
    users.delete_user(made["id"])
    assert "visitor" not in {user["username"] for user in users.users()}


def check_definitions_are_there(place):
    definitions = place.client().definitions
    assert {"iosv", "alpine"} <= {each["id"] for each in definitions.node_definitions()}
    assert definitions.image_definitions()


def check_a_controller_that_lost_power_comes_back(place):
    path = place.url[len(place.simulator.base):]
    lab = place.lab()
    lab.start(wait=True)
    place.simulator.sim("POST", path + "_sim/power", {"on": False})
    refused(place.client, (APIError, InitializationError, httpx.HTTPError))
    place.simulator.sim("POST", path + "_sim/power", {"on": True})
    deadline = time.monotonic() + 20
    while not ready(place):
        assert time.monotonic() < deadline, "the controller does not come back"
        time.sleep(0.05)
    assert place.client().join_existing_lab(lab.id).state() == "STOPPED"


def ready(place):
    """Whether the controller says so; while it boots, connections break or 502 is answered."""
    try:
        return place.client().system_info()["ready"]
    except (APIError, InitializationError, httpx.HTTPError):
        return False
