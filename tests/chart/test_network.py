"""Who reaches whom: nothing but what is listed."""

import ipaddress

import pytest
from rendering import SERVICES, combination, container, render

AWS = ipaddress.ip_address("52.94.5.1")
WORKER = ipaddress.ip_address("10.20.30.40")
METADATA = ipaddress.ip_address("169.254.169.254")
LOGIN = ipaddress.ip_address("203.0.113.10")


def policy(objects, name):
    return objects.one("NetworkPolicy", f"ccm-{name}")["spec"]


def lets_out(spec, address, port):
    """Whether a rule of the policy lets a connection out to this address."""
    for rule in spec["egress"]:
        if not any(it["port"] == port and it["protocol"] == "TCP" for it in rule["ports"]):
            continue
        if "to" not in rule:
            return True
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            network = ipaddress.ip_network(block["cidr"])
            away = [ipaddress.ip_network(it) for it in block.get("except", [])]
            if address in network and not any(address in it for it in away):
                return True
    return False


def lets_in(spec, component, port):
    """Whether a rule of the policy lets our pods of a component in."""
    for rule in spec.get("ingress", []):
        if any(it["port"] == port for it in rule["ports"]):
            if "from" not in rule:
                return True
            for peer in rule["from"]:
                labels = peer.get("podSelector", {}).get("matchLabels", {})
                if "namespaceSelector" not in peer and labels.get("app.kubernetes.io/component") == component:
                    return True
    return False


@pytest.mark.parametrize("name", ["default", "ha", "everything"])
def test_every_pod_has_a_policy_for_both_directions(name):
    objects = combination(name)
    selected = [it["spec"]["podSelector"]["matchLabels"] for it in objects.all("NetworkPolicy")]

    for it in objects.all("Deployment"):
        assert it["spec"]["selector"]["matchLabels"] in selected, it["metadata"]["name"]
    assert all(it["spec"]["policyTypes"] == ["Ingress", "Egress"] for it in objects.all("NetworkPolicy"))


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_scheduler_reaches_aws_and_workers(service):
    spec = policy(combination("ha"), service)

    for address in (WORKER, AWS):
        # A webhook of the relay may be anywhere public, and so is AWS; without a credential it is only a host.
        expected = service == "scheduler" or (service == "relay" and address == AWS)
        assert lets_out(spec, address, 443) is expected, address


def test_the_api_reaches_the_login_server_and_nothing_else_outside():
    spec = policy(combination("ha"), "api")

    assert lets_out(spec, LOGIN, 443)
    assert not lets_out(spec, AWS, 443) and not lets_out(spec, METADATA, 80)


def test_credentials_of_the_node_are_for_who_asks_and_for_the_scheduler_alone():
    ha, everything = combination("ha"), combination("everything")

    assert not lets_out(policy(ha, "scheduler"), METADATA, 80)
    assert lets_out(policy(everything, "scheduler"), METADATA, 80)
    assert not lets_out(policy(everything, "scheduler"), METADATA, 443)
    for service in ("api", "relay"):
        assert not lets_out(policy(everything, service), METADATA, 80)


def test_without_webhooks_the_relay_reaches_store_and_bus_only():
    spec = policy(combination("default"), "relay")

    assert not lets_out(spec, AWS, 443)


def test_a_trial_reaches_its_own_pods_only():
    objects = combination("default")
    for service in SERVICES:
        spec = policy(objects, service)
        assert not any(lets_out(spec, address, port) for address in (AWS, WORKER) for port in (443, 27017, 6379))
        assert lets_in(policy(objects, "mongodb"), service, 27017)
        assert lets_in(policy(objects, "redis"), service, 6379)
        assert lets_in(policy(objects, "sim"), service, 4566) is (service == "scheduler")


def test_nobody_comes_to_the_public_port_of_a_trial_but_by_port_forward():
    ports = {it["port"] for rule in policy(combination("default"), "api")["ingress"] for it in rule["ports"]}

    assert ports == {9090}


def test_the_admin_port_is_for_the_test_and_the_named_scrapers():
    for service in SERVICES:
        spec = policy(combination("ha"), service)
        assert lets_in(spec, "test", 9090)
        assert not lets_in(spec, "api", 9090)
        peers = next(rule["from"] for rule in spec["ingress"] if rule["ports"][0]["port"] == 9090)
        assert len(peers) == 2 and "namespaceSelector" in peers[1]


def test_policies_can_be_left_out():
    assert render(sets=["networkPolicy.enabled=false"]).all("NetworkPolicy") == []


def test_the_relay_has_a_public_port_only_where_events_from_outside_are_taken():
    without, with_secret = combination("default"), combination("ha")
    assert not without.has("Service", "ccm-relay")
    assert {it["port"] for rule in policy(without, "relay")["ingress"] for it in rule["ports"]} == {9090}

    ports = container(with_secret.pod("ccm-relay"), "relay")["ports"]
    assert {"name": "http", "containerPort": 8080} in ports
    assert with_secret.one("Service", "ccm-relay")["spec"]["ports"][0]["targetPort"] == "http"
    assert lets_in(policy(with_secret, "relay"), "anybody", 8080)
    named = policy(combination("everything"), "relay")["ingress"]
    callers = next(rule["from"] for rule in named if rule["ports"][0]["port"] == 8080)
    assert callers == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
