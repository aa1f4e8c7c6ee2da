"""Every object is one that Kubernetes accepts: against its own schemas, and by age of its API."""

import kubernetes_validate
import pytest
from rendering import COMBINATIONS, NEWEST, OLDEST, combination

# The Prometheus operator's kinds are no part of Kubernetes; its fields are checked in test_monitoring.py.
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
VERSIONS = ["1.25", "1.31", "1.37"]
# What each kind was called in 1.20, the oldest version, for which no schema can be had.
OLDEST_APIS = {
    "ConfigMap": "v1",
    "Secret": "v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "Pod": "v1",
    "Deployment": "apps/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1beta1",
    "HorizontalPodAutoscaler": "autoscaling/v2beta2",
}


def of_kubernetes(objects):
    return [it for it in objects if it["kind"] not in FOREIGN]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", COMBINATIONS)
def test_objects_fit_the_schemas_of_kubernetes(name, version):
    objects = of_kubernetes(combination(name, kubernetes=f"{version}.0"))

    for it in objects:
        kubernetes_validate.validate(it, version, strict=True)
    assert len(objects) >= 14


def test_the_check_refuses_a_slip():
    deployment = combination("default").one("Deployment", "ccm-api")
    deployment["spec"]["template"]["spec"]["terminationGraceSeconds"] = 5

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.31", strict=True)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_objects_are_of_apis_that_kubernetes_1_20_has(name):
    for it in of_kubernetes(combination(name, kubernetes=OLDEST)):
        assert it["apiVersion"] == OLDEST_APIS[it["kind"]], it["metadata"]["name"]


@pytest.mark.parametrize(
    "kubernetes,budget,scaler",
    [
        ("1.20.15", "policy/v1beta1", "autoscaling/v2beta2"),
        ("1.20.2-gke.100", "policy/v1beta1", "autoscaling/v2beta2"),
        ("1.21.0", "policy/v1", "autoscaling/v2beta2"),
        ("1.22.17-eks-1", "policy/v1", "autoscaling/v2beta2"),
        ("1.23.0", "policy/v1", "autoscaling/v2"),
        (NEWEST, "policy/v1", "autoscaling/v2"),
    ],
)
def test_apis_follow_the_version_of_the_cluster(kubernetes, budget, scaler):
    objects = combination("ha", kubernetes=kubernetes)

    assert objects.one("PodDisruptionBudget", "ccm-api")["apiVersion"] == budget
    assert objects.one("HorizontalPodAutoscaler", "ccm-api")["apiVersion"] == scaler


def test_an_older_cluster_is_refused():
    with pytest.raises(RuntimeError, match="incompatible with Kubernetes v1.19"):
        combination("default", kubernetes="1.19.0")
