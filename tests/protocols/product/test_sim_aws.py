"""The product against `sim-aws`: CloudWatch as the SDK speaks it, timed boots, throttling, no capacity."""

import pytest

from place import ended, eventually, operation_of
from site_of import standing


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with standing(tmp_path_factory.mktemp("sim-aws"), workers=6) as site:
        yield site


def imported(site):
    body = {"region": "eu-central-1", "ami_name": "cml2-*", "all": True}
    result = ended(site.product, operation_of(site.product.post("/workers/import", body)))
    assert result["state"] == "succeeded", result
    return site.product.workers()


def test_1_the_fleet_is_imported_and_cloudwatch_is_read(site):
    workers = imported(site)
    assert workers

    running = [w["id"] for w in workers if w["state"] == "running"]
    eventually(
        "each running worker has a CPU reading",
        lambda: all(site.product.get(f"/workers/{id}")["metrics"]["cpu"] is not None for id in running),
    )
    eventually("CloudWatch is asked", lambda: site.calls().get("GetMetricData", 0) >= 1)


def test_2_a_worker_is_made_and_boots_through_its_stages(site):
    made = site.create("made-here")
    operation = ended(site.product, operation_of(made), 120)

    assert operation["state"] == "succeeded", operation
    assert [s["state"] for s in operation["steps"]] == ["done"] * 3
    worker = next(w for w in site.product.workers() if w["name"] == "made-here")
    assert (worker["state"], worker["service"]) == ("running", "available")
    reached = {s["name"]: s["state"] for s in worker["stages"]}
    assert reached["instance"] == reached["https"] == reached["ready"] == "done"
    tokens = [entry["token"] for entry in site.ledger()]
    assert tokens.count(operation["id"]) >= 1


def test_3_throttling_only_delays(site):
    site.console("faults", throttle_next=12)

    operation = ended(site.product, operation_of(site.create("throttled")), 240)

    assert operation["state"] == "succeeded", operation


def test_4_a_lost_answer_launches_nothing_twice(site):
    site.console("faults", launch_answer_lost_next=1)

    operation = ended(site.product, operation_of(site.create("answered-late")), 240)

    assert operation["state"] == "succeeded", operation
    named = [i for i in site.instances() if i["tags"].get("Name") == "answered-late"]
    assert len(named) == 1, named


def test_5_no_capacity_is_told_in_awss_words_and_tried_again(site):
    site.console("faults", capacity_next=4)

    identifier = operation_of(site.create("wanted-much"))
    waiting = eventually(
        "the reason is told",
        lambda: (o := site.product.get(f"/operations/{identifier}"))["reason"] and o,
    )
    assert "apacity" in waiting["reason"], waiting

    operation = ended(site.product, identifier, 240)
    assert operation["state"] == "succeeded", operation


def test_6_a_termination_in_the_console_is_noticed(site):
    worker = next(w for w in site.product.workers() if w["name"] == "throttled")

    site.console("terminate", instance_id=worker["instance_id"])

    eventually(
        "the worker is terminated",
        lambda: site.product.get(f"/workers/{worker['id']}")["state"] in ("terminating", "terminated"),
    )
