"""The whole product against an EC2 that we did not write, and controllers over https.

The steps of docs/WALKTHROUGH.md, in its order. moto does not speak the protocol of the SDK's CloudWatch
client; `test_sim_aws.py` covers those calls.
"""

import pytest

from place import Moto, Product, ended, eventually, operation_of, running, sim_cml
from stream import Stream, is_gap_free, saw_everything_once

YAML = """
lab:
  title: From the outside
  version: 0.3.0
nodes:
  - {id: n0, label: left, node_definition: alpine, x: 0, y: 0, interfaces: []}
links: []
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    moto = Moto()
    cml = sim_cml("--tls", "--workers", "0", "--no-people", "--speed", "60")
    try:
        with running(cml):
            ca_file = cml.said("ca file")
            address = cml.said("listening")
            made = moto.ask("make", 4)
            product = Product(
                tmp_path_factory.mktemp("moto"),
                {
                    "AWS_ENDPOINT_URL": moto.endpoint,
                    "CCM_CML__ENDPOINT": f"{address}/{{instance_id}}",
                    "CCM_CML__USERNAME": "admin",
                    "CCM_CML__PASSWORD": "admin",
                    "CCM_CML__CA_FILE": ca_file,
                    "CCM_JOBS__OBSERVE_INSTANCES__EVERY": "5s",
                    "CCM_JOBS__REFRESH_LABS__EVERY": "5s",
                    "CCM_JOBS__COLLECT_MEASUREMENTS__EVERY": "5s",
                    "CCM_JOBS__DETECT_ACTIVITY__EVERY": "5s",
                },
            ).start()
            stream = Stream(product.base)
            assert stream.connected.wait(20)
            yield product, moto, made, stream
            stream.close()
            product.child.end()
    finally:
        moto.end()


def worker_of(product, instance):
    return next(w for w in product.workers() if w["instance_id"] == instance)


def state_is(product, instance, state, service=None):
    def probe():
        worker = worker_of(product, instance)
        return worker["state"] == state and service in (None, worker["service"]) and worker

    return eventually(f"{instance} is {state}", probe)


def is_pause_of(event, worker):
    return event["type"] == "io.ccm.worker.paused.v1" and event["data"]["id"] == worker


def test_1_instances_are_imported_with_their_states(site):
    product, _, made, _ = site

    answer = product.post("/workers/import", {"region": "eu-central-1", "ami_id": made["image"], "all": True})
    operation = ended(product, operation_of(answer))

    assert operation["state"] == "succeeded", operation
    states = {w["instance_id"]: w["state"] for w in product.workers()}
    wanted = {i: "stopped" if i in made["stopped"] else "running" for i in made["ids"]}
    assert states == wanted


def test_2_a_second_import_skips_each_with_a_reason(site):
    product, _, made, _ = site

    answer = product.post("/workers/import", {"region": "eu-central-1", "ami_id": made["image"], "all": True})
    result = ended(product, operation_of(answer))["result"]

    assert result["found"] == 4 and result["imported"] == []
    assert len({s["reason"] for s in result["skipped"]}) == 1
    assert len(product.workers()) == 4


def test_3_a_stop_and_a_start_reach_moto(site):
    product, moto, made, _ = site
    instance = made["ids"][0]
    worker = worker_of(product, instance)["id"]

    stopped = ended(product, operation_of(product.post(f"/workers/{worker}/stop")))
    assert stopped["state"] == "succeeded", stopped
    assert moto.ask("view")[instance]["state"] == "stopped"
    state_is(product, instance, "stopped")

    started = ended(product, operation_of(product.post(f"/workers/{worker}/start")))
    assert started["state"] == "succeeded", started
    assert moto.ask("view")[instance]["state"] == "running"
    state_is(product, instance, "running", "available")


def test_4_a_stop_from_outside_is_noticed_and_told_as_external(site):
    product, moto, made, stream = site
    instance = made["ids"][1]

    moto.ask("do", "stop", instance)
    worker = state_is(product, instance, "stopped")

    assert worker["power"]["paused"]["reason"] == "external"
    # The document is read from the store; its events come a moment later.
    told = eventually(
        "the pause is told", lambda: [e for e in stream.durable if is_pause_of(e, worker["id"])]
    )
    assert [e["data"]["reason"] for e in told] == ["external"]


def test_5_labs_are_imported_started_stopped_and_deleted(site):
    product, _, made, _ = site
    worker = state_is(product, made["ids"][0], "running", "available")["id"]

    imported = ended(product, operation_of(product.post(f"/workers/{worker}/labs", {"topology": YAML})))
    assert imported["state"] == "succeeded", imported
    lab = next(l for l in product.get(f"/workers/{worker}/labs")["items"] if l["title"] == "From the outside")

    for action, wanted in (("start", "started"), ("stop", "stopped"), ("wipe", "defined_on_core")):
        done = ended(product, operation_of(product.post(f"/workers/{worker}/labs/{lab['id']}/{action}")))
        assert done["state"] == "succeeded", done
        eventually(
            f"the lab is {wanted}",
            lambda: product.get(f"/workers/{worker}/labs/{lab['id']}")["state"] == wanted,
        )
    ended(product, operation_of(product.call("DELETE", f"/workers/{worker}/labs/{lab['id']}")))
    product.call("GET", f"/workers/{worker}/labs/{lab['id']}", expect=404)


def test_6_a_licence_is_registered_and_its_token_is_nowhere(site):
    product, _, made, _ = site
    worker = state_is(product, made["ids"][0], "running", "available")["id"]
    token = "secret-token-that-must-not-be-seen"

    done = ended(product, operation_of(product.post(f"/workers/{worker}/license/register", {"token": token})))

    assert done["state"] == "succeeded", done
    assert product.get(f"/workers/{worker}")["license"]["status"] == "registered"
    assert token not in str(product.log()) and token not in "\n".join(product.child.lines)
    for file in product.folder.glob("ccm.db*"):
        assert token.encode() not in file.read_bytes(), file


def test_7_an_idle_worker_is_paused(site):
    product, moto, made, _ = site
    instance = made["ids"][3]
    state_is(product, instance, "running", "available")

    product.set_idle(timeout_s=60, snooze_s=0, warn_before_s=0)
    worker = eventually(
        "the idle worker is stopped", lambda: (w := worker_of(product, instance))["state"] == "stopped" and w, 150
    )

    assert worker["power"]["paused"]["reason"] == "idle_timeout"
    assert moto.ask("view")[instance]["state"] == "stopped"


def test_8_every_change_was_seen_once_in_order_and_a_cursor_resumes(site):
    product, _, _, stream = site
    log = product.log()
    head = int(log[-1]["sequence"])
    eventually("the stream has caught up", lambda: stream.sequences() and stream.sequences()[-1] >= head)

    is_gap_free(log)
    first = stream.sequences()[0]
    saw_everything_once(stream, log, first - 1)

    middle = stream.sequences()[len(stream.durable) // 2]
    resumed = Stream(product.base, last=str(middle))
    eventually("the resumed stream has caught up", lambda: resumed.sequences() and resumed.sequences()[-1] >= head)
    resumed.close()
    saw_everything_once(resumed, log, middle)
    assert [name for name, _ in resumed.control if name in ("resync", "snapshot")] == []
