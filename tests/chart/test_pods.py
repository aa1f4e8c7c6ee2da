"""What is inside the pods."""

import re
import tomllib

import generate
import pytest
from rendering import COMBINATIONS, SERVICES, SITE, combination, container, render, variables

OWN = [f"ccm-{service}" for service in SERVICES]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_no_container_is_root_or_writes_outside_its_volumes(name):
    for pod_name, pod in combination(name).pods().items():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] > 0, pod_name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, pod_name
        assert pod["automountServiceAccountToken"] is False, pod_name
        assert pod["enableServiceLinks"] is False, pod_name
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), pod_name
        for it in pod["containers"]:
            assert it["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, it["name"]
            assert it["resources"]["requests"].keys() == {"cpu", "memory"}, it["name"]
            assert "memory" in it["resources"]["limits"], it["name"]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_probes_are_on_the_admin_port_and_liveness_looks_at_nothing_outside(name):
    for service in SERVICES:
        it = container(combination(name).pod(f"ccm-{service}"), service)
        paths = {probe: it[probe]["httpGet"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
        assert paths == {
            "startupProbe": {"path": "/livez", "port": "admin"},
            "readinessProbe": {"path": "/readyz", "port": "admin"},
            "livenessProbe": {"path": "/livez", "port": "admin"},
        }
        assert {"name": "admin", "containerPort": 9090} in it["ports"]


def seconds(text):
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h)", text))


def drain(objects, service):
    return tomllib.loads(objects.config(service))["drain"]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_grace_period_is_the_phases_of_drain_two_last_steps_and_the_margin(name):
    objects = combination(name)
    for service in SERVICES:
        phases = {key: seconds(text) for key, text in drain(objects, service).items()}
        longest = phases["delay"] + max(phases["streams"], phases["jobs"]) + phases["requests"] + 2 * 3
        assert objects.pod(f"ccm-{service}")["terminationGracePeriodSeconds"] == longest + 5, service


@pytest.mark.parametrize(
    "delay,streams,grace",
    [("1m30s", "10s", 90 + 20 + 10 + 6 + 5), ("1500ms", "2m", 132 + 6 + 5), ("0s", "1h", 3610 + 6 + 5)],
)
def test_the_grace_period_follows_the_configuration(delay, streams, grace):
    sets = [f"api.config.drain.delay={delay}", f"api.config.drain.streams={streams}"]

    assert render(sets=sets).pod("ccm-api")["terminationGracePeriodSeconds"] == grace


def test_last_step_is_that_of_the_code():
    """The 2 × 3 s above and in the template."""
    text = (generate.ROOT / "shared/config/src/section/drain.rs").read_text()

    assert "LAST_STEP: Duration = Duration::from_secs(3)" in text
    assert "2 * Self::LAST_STEP" in text


@pytest.mark.parametrize("service", SERVICES)
def test_phases_of_drain_are_those_of_the_defaults(service):
    defaults = tomllib.loads((generate.ROOT / f"services/{service}/defaults.toml").read_text())

    assert drain(combination("bare"), service) == defaults["drain"]


FILES = {
    "api": {"bus-url", "inbound-secret", "oidc-client-secret", "store-key", "store-url"},
    "scheduler": {"aws-accounts", "bus-url", "cml-password", "store-key", "store-url"},
    "relay": {"bus-url", "inbound-secret", "relay-sinks", "store-key", "store-url"},
}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_gets_its_own_secrets_and_no_others(service):
    pod = combination("ha").pod(f"ccm-{service}")
    volume = next(it for it in pod["volumes"] if it["name"] == "secrets")["projected"]

    mounted = {item["path"] for source in volume["sources"] for item in source["secret"]["items"]}

    assert mounted == FILES[service]
    assert volume["defaultMode"] == 0o440


@pytest.mark.parametrize("name", COMBINATIONS)
def test_no_secret_is_in_a_variable_or_in_a_config_map(name):
    objects = combination(name)
    values = {value for value in objects.secret_values().values() if value not in ("admin",)}
    for pod_name in OWN:
        env = variables(objects.pod(pod_name), pod_name.removeprefix("ccm-"))
        named = {it for it in env if re.search(r"SECRET|PASSWORD|URL|KEY", it) and not it.endswith("_FILE")}
        # Those of the simulated world open nothing.
        assert named <= {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, pod_name
        if "AWS_SECRET_ACCESS_KEY" in env:
            assert env["AWS_SECRET_ACCESS_KEY"] == "example"
    for it in objects.all("ConfigMap"):
        for text in it["data"].values():
            assert not any(value in text for value in values), it["metadata"]["name"]


def test_only_the_scheduler_has_what_opens_aws():
    objects = combination("everything")

    for service in ("api", "relay"):
        assert not any(it.startswith("AWS_") for it in variables(objects.pod(f"ccm-{service}"), service))
    env = variables(objects.pod("ccm-scheduler"), "scheduler")
    assert env["AWS_SHARED_CREDENTIALS_FILE"] == "/etc/ccm/secrets/aws-credentials"
    roles = {it["metadata"]["name"]: it["metadata"].get("annotations", {}) for it in objects.all("ServiceAccount")}
    assert [name for name, it in roles.items() if "eks.amazonaws.com/role-arn" in it] == ["ccm-scheduler"]


def test_a_key_is_made_once_and_has_32_bytes():
    import base64

    key = combination("bare").secret_values()["ccm-secrets", "store-key"]

    assert len(base64.b64decode(key)) == 32
    assert ("ccm-secrets", "store-key") not in combination("default").secret_values()


def test_a_change_of_configuration_or_secret_restarts_the_pods_and_nothing_else_does():
    def checksums(*sets):
        objects = combination("default", sets=sets)
        return [it["spec"]["template"]["metadata"]["annotations"] for it in objects.all("Deployment")
                if it["metadata"]["name"] == "ccm-api"][0]

    before = checksums()
    assert checksums("api.config.sse.max_age=2h")["checksum/config"] != before["checksum/config"]
    assert checksums("secrets.cmlPassword.value=x")["checksum/secrets"] != before["checksum/secrets"]
    assert checksums("api.replicas=4", "relay.config.drain.jobs=9s") == before


def test_dev_listens_on_loopback_and_has_no_service_and_oidc_has_both():
    dev, site = combination("bare"), combination("ha")

    assert tomllib.loads(dev.config("api"))["http"]["listen"] == "127.0.0.1:8080"
    assert not dev.has("Service", "ccm")
    assert "http" not in tomllib.loads(site.config("api"))
    assert site.one("Service", "ccm")["spec"]["ports"][0]["targetPort"] == "http"


def test_images_have_the_repository_and_the_digest_or_the_tag():
    objects = combination("everything")

    images = {service: container(objects.pod(f"ccm-{service}"), service)["image"] for service in SERVICES}

    assert images["api"].startswith("registry.example.com/ccm/ccm-api@sha256:0123")
    assert images["relay"] == "registry.example.com/ccm/ccm-relay:1.2.3"


def test_what_is_for_trying_out_is_not_in_production():
    for name in ("ha", "minimal", "everything"):
        objects = combination(name)
        assert {it["metadata"]["name"] for it in objects.all("Deployment")} == set(OWN), name
        assert all(len(objects.pod(pod)["containers"]) == 1 for pod in OWN), name
    names = {it["metadata"]["name"] for it in combination("bare").all("Deployment")}
    assert names == {*OWN, "ccm-sim", "ccm-mongodb", "ccm-redis"}


def test_autoscaling_takes_the_place_of_replicas_and_leaves_slowly():
    objects = combination("ha")
    scaler = objects.one("HorizontalPodAutoscaler", "ccm-api")["spec"]

    assert "replicas" not in objects.one("Deployment", "ccm-api")["spec"]
    assert [it["type"] for it in scaler["metrics"]] == ["Resource", "Pods"]
    assert scaler["metrics"][1]["pods"]["metric"]["name"] == "ccm_sse_clients"
    assert scaler["behavior"]["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]
    only_cpu = render(*SITE, sets=["api.autoscaling.streams=0"])
    assert len(only_cpu.one("HorizontalPodAutoscaler", "ccm-api")["spec"]["metrics"]) == 1


def test_a_budget_keeps_all_but_one_where_there_are_several():
    assert {it["metadata"]["name"] for it in combination("ha").all("PodDisruptionBudget")} == set(OWN)
    one_relay = {it["metadata"]["name"] for it in render(sets=["relay.replicas=1"]).all("PodDisruptionBudget")}
    assert one_relay == {"ccm-api", "ccm-scheduler"}
    assert all(it["spec"]["maxUnavailable"] == 1 for it in combination("ha").all("PodDisruptionBudget"))


STREAMS = {
    "nginx": {
        "nginx.ingress.kubernetes.io/proxy-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "75",
    },
    "traefik": {"traefik.ingress.kubernetes.io/router.entrypoints": "websecure"},
    "alb": {
        "alb.ingress.kubernetes.io/target-type": "ip",
        "alb.ingress.kubernetes.io/load-balancer-attributes": "idle_timeout.timeout_seconds=75",
        "alb.ingress.kubernetes.io/healthcheck-path": "/readyz",
    },
    "none": {},
}


@pytest.mark.parametrize("controller", STREAMS)
def test_an_ingress_lets_quiet_streams_live_for_longer_than_four_heartbeats(controller):
    it = render(*SITE, sets=[f"ingress.controller={controller}"]).one("Ingress", "ccm")

    annotations = it["metadata"].get("annotations") or {}
    assert STREAMS[controller].items() <= annotations.items()
    assert it["spec"].get("ingressClassName") == (None if controller == "none" else controller)
    assert it["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"] == {"name": "ccm", "port": {"name": "http"}}


def test_a_load_balancer_gives_targets_the_whole_grace_period():
    objects = render(*SITE, sets=["ingress.controller=alb"])
    grace = objects.pod("ccm-api")["terminationGracePeriodSeconds"]

    attributes = objects.one("Ingress", "ccm")["metadata"]["annotations"]["alb.ingress.kubernetes.io/target-group-attributes"]

    assert f"deregistration_delay.timeout_seconds={grace}" in attributes


def test_annotations_of_the_site_win():
    annotations = combination("everything").one("Ingress", "ccm")["metadata"]["annotations"]

    assert annotations["alb.ingress.kubernetes.io/scheme"] == "internet-facing"


def test_the_round_trip_asks_services_that_there_are():
    for name in COMBINATIONS:
        objects = combination(name)
        script = container(objects.pod("ccm-test"), "round-trip")["args"][0]
        asked = set(re.findall(r"http://([a-z$-]+?)(?::\d+|/)", script))
        hosts = {host.replace("$service", service) for host in asked for service in SERVICES}
        assert hosts <= {it["metadata"]["name"] for it in objects.all("Service")}, name
