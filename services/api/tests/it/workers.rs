//! Workers: what people ask of them.

use std::time::Duration;

use ccm_domain::worker::{OperationState, Power};
use ccm_domain::{InstanceState, WorkerState};
use ccm_ports::Sample;
use http::Method;
use serde_json::json;

use crate::app::{START, TestApp};

#[tokio::test]
async fn a_created_worker_is_there_with_its_operation() {
    let app = TestApp::new();
    let body = json!({
        "name": "lab-1", "region": "eu-west-1", "instance_type": "c5.metal", "ami_id": "ami-0123456789abcdef0",
        "tags": {"team": "core"}, "cml_version": "2.9", "idle": {"enabled": true, "timeout_s": 7200},
    });

    let answer = app.post("/workers", body).await;

    let made = answer.expect(202);
    assert_eq!(made["outcome"], "begun");
    let operation = made["operation"]["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/operations/{operation}"));
    let shown = app.get(&format!("/workers/{}", made["worker"]["id"].as_str().unwrap())).await;
    assert_eq!(shown.header("etag"), "\"1\"");
    let worker = shown.expect(200);
    assert_eq!(worker["state"], "pending");
    assert_eq!(worker["want"]["tags"], json!({"managed-by": "ccm", "team": "core"}));
    assert_eq!(worker["operation"]["id"], operation);
    assert_eq!(worker["instance_id"], json!(null));
    assert_eq!(worker["created_by"], json!({"kind": "person", "name": "dev"}));
    let kind = &app.get(&format!("/operations/{operation}")).await.expect(200)["kind"];
    assert_eq!(kind, "create");
}

#[tokio::test]
async fn what_a_request_leaves_out_comes_from_the_settings() {
    let app = TestApp::new();
    let mut settings = app.get("/settings").await.expect(200);
    let about = settings.as_object_mut().unwrap();
    about.retain(|key, _| !matches!(key.as_str(), "rev" | "changed_at" | "changed_by"));
    settings["provisioning"]["instance_type"] = json!("m5zn.metal");
    settings["provisioning"]["regions"] = json!({"eu-west-1": {"image": {"name": "cml-eu-*"}}});
    app.call(Method::PUT, "/settings").if_match(0).json(settings).send().await.expect(200);

    let made = app.post("/workers", json!({"name": "a", "region": "eu-west-1"})).await.expect(202);
    let refused = app.post("/workers", json!({"name": "a", "region": "us-east-1"})).await;

    assert_eq!(made["worker"]["ami"]["name"], "cml-eu-*");
    assert_eq!(made["worker"]["instance_type"], "m5zn.metal");
    refused.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/ami"]);
}

#[tokio::test]
async fn a_worker_is_found_by_our_id_and_by_that_of_its_instance() {
    let app = TestApp::new();
    let worker = app.running().await;

    let by_id = app.get(&format!("/workers/{}", worker.id)).await.expect(200);
    let by_instance =
        app.get(&format!("/workers/{}", worker.instance_id().unwrap())).await.expect(200);

    assert_eq!(by_id, by_instance);
    assert_eq!(by_id["name"], "cml-1");
}

#[tokio::test]
async fn a_stopped_worker_starts_once() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    let path = format!("/workers/{}/start", worker.id);

    let first = app.post(&path, json!({})).await.expect(202);
    let second = app.post(&path, json!({})).await.expect(202);

    assert_eq!((&first["outcome"], &second["outcome"]), (&json!("begun"), &json!("under_way")));
    assert_eq!(first["operation"]["id"], second["operation"]["id"]);
    let worker = app.find(worker.id).await;
    assert_eq!(worker.spec.power, Power::On);
    assert_eq!(worker.operations.len(), 1);
}

#[tokio::test]
async fn a_start_that_is_already_so_says_so() {
    let app = TestApp::new();
    let worker = app.running().await;

    let answer = app.post(&format!("/workers/{}/start", worker.id), json!({})).await;

    let body = answer.expect(200);
    assert_eq!(body["outcome"], "already_so");
    assert_eq!(body["detail"], "the worker runs already");
    assert_eq!(body["operation"], json!(null));
    assert_eq!(body["worker"]["id"], worker.id.to_string());
    assert_eq!(app.find(worker.id).await.rev, worker.rev);
}

#[tokio::test]
async fn a_stop_replaces_a_start_that_is_under_way() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    app.post(&format!("/workers/{}/start", worker.id), json!({})).await.expect(202);

    app.post(&format!("/workers/{}/stop", worker.id), json!({})).await.expect(202);

    let states: Vec<_> =
        app.find(worker.id).await.operations.iter().map(|operation| operation.state).collect();
    assert_eq!(states, [OperationState::Running, OperationState::Canceled]);
}

#[tokio::test]
async fn an_action_without_a_body_is_an_action_with_an_empty_one() {
    let app = TestApp::new();
    let worker = app.stopped().await;

    let answer = app.call(Method::POST, &format!("/workers/{}/start", worker.id)).send().await;

    answer.expect(202);
}

#[tokio::test]
async fn a_terminated_worker_cannot_start_and_is_listed_on_demand() {
    let app = TestApp::new();
    let worker = app.worker(3, InstanceState::Terminated).await;

    let refused = app.post(&format!("/workers/{}/start", worker.id), json!({})).await;

    refused.refused(409, "terminated");
    let listed = |path: &'static str| {
        let app = &app;
        async move { app.get(path).await.expect(200)["items"].as_array().unwrap().len() }
    };
    assert_eq!(listed("/workers").await, 0);
    assert_eq!(listed("/workers?include_terminated=true").await, 1);
    assert_eq!(listed("/workers?state=terminated").await, 1);
}

#[tokio::test]
async fn a_forced_termination_is_noted() {
    let app = TestApp::new();
    let worker = app.running().await;

    let body = json!({"force": true});
    app.post(&format!("/workers/{}/terminate", worker.id), body).await.expect(202);

    let worker = app.find(worker.id).await;
    assert!(worker.operations[0].force);
    assert_eq!(worker.status.terminated_by.unwrap().name, "dev");
}

#[tokio::test]
async fn a_removed_worker_is_gone_with_its_labs() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    app.lab(worker.id, "a", ccm_domain::cml::LabState::Stopped).await;

    let path = format!("/workers/{}", worker.id);
    let removed = app.call(Method::DELETE, &path).if_match(worker.spec_rev).send().await;

    assert_eq!(removed.status, 204);
    app.get(&path).await.refused(404, "not_found");
    app.call(Method::DELETE, &path).send().await.refused(404, "not_found");
    assert_eq!(app.get("/labs").await.expect(200)["items"], json!([]));
    assert_eq!(app.find(worker.id).await.removed_at, Some(START));
}

#[tokio::test]
async fn a_worker_with_an_operation_under_way_is_not_removed() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    app.post(&format!("/workers/{}/start", worker.id), json!({})).await.expect(202);

    let answer = app.call(Method::DELETE, &format!("/workers/{}", worker.id)).send().await;

    answer.refused(409, "operation_under_way");
}

#[tokio::test]
async fn a_change_takes_only_what_it_names() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}", worker.id);
    let body = json!({"name": "x", "cml_endpoint": "https://cml.example", "cml_version": "2.9"});
    let changed = app.call(Method::PATCH, &path).if_match(1).json(body).send().await;
    changed.expect(200);
    let rev: u64 = changed.header("etag").trim_matches('"').parse().unwrap();

    let body = json!({"cml_endpoint": null});
    app.call(Method::PATCH, &path).if_match(rev).json(body).send().await.expect(200);

    let worker = app.find(worker.id).await;
    assert_eq!((worker.name.as_str(), &worker.spec.endpoint), ("x", &None));
    assert_eq!(worker.spec.cml_version.as_deref(), Some("2.9"));
}

#[tokio::test]
async fn a_change_is_all_or_nothing() {
    let app = TestApp::new();
    let worker = app.running().await;

    let body = json!({"name": "x", "instance_type": "c5.metal"});
    let path = format!("/workers/{}", worker.id);
    let answer = app.call(Method::PATCH, &path).if_match(1).json(body).send().await;

    answer.refused(409, "type_fixed");
    assert_eq!(app.find(worker.id).await.name, "cml-1");
}

#[tokio::test]
async fn extending_moves_the_deadline_and_never_back() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/extend", worker.id);

    app.post(&path, json!({"seconds": 7200})).await.expect(200);
    let shorter = app.post(&path, json!({"seconds": 60})).await.expect(200);

    let until = START.plus(Duration::from_secs(7200)).to_string();
    assert_eq!(shorter["want"]["extended_until"], until);
    for seconds in [0, 604_801] {
        app.post(&path, json!({ "seconds": seconds })).await.refused(422, "invalid");
    }
}

#[tokio::test]
async fn the_idle_decision_is_explained_with_what_is_known_now() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}", worker.id);

    let before = app.get(&format!("{path}/idle")).await.expect(200);
    let policy = json!({"enabled": false, "timeout_s": null});
    let call = app.call(Method::PUT, &format!("{path}/idle-policy")).if_match(1).json(policy);
    call.send().await.expect(200);
    let after = app.get(&format!("{path}/idle")).await.expect(200);

    assert_eq!(before["policy"]["source"], "fleet");
    assert!(!before["signals"].as_array().unwrap().is_empty());
    assert_eq!(after["verdict"], "disabled");
    assert_eq!(after["policy"]["source"], "worker");
}

#[tokio::test]
async fn tags_are_wanted_at_once_and_seen_later() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/tags", worker.id);

    let body = json!({"tags": {"env": "test"}});
    let set = app.call(Method::PUT, &path).if_match(1).json(body).send().await;

    let tags = set.expect(200);
    assert_eq!(tags["wanted"], json!({"env": "test"}));
    assert_eq!(tags["removed"], json!(["team"]));
    assert_eq!(tags["tags"]["team"], "net");
    assert_eq!(app.get(&path).await.expect(200), tags);
    for key in ["aws:x", "Name", ""] {
        let body = json!({"tags": {key: "v"}});
        let answer = app.call(Method::PUT, &path).if_match(2).json(body).send().await;
        answer.refused(422, "invalid");
        assert_eq!(answer.pointers(), [format!("/tags/{key}")]);
    }
}

#[tokio::test]
async fn monitoring_is_switched() {
    let app = TestApp::new();
    let worker = app.running().await;

    let body = json!({"enabled": true});
    let shown = app.post(&format!("/workers/{}/monitoring", worker.id), body).await.expect(200);

    assert_eq!(shown["want"]["detailed_monitoring"], true);
    assert_eq!(shown["detailed_monitoring"], false);
}

#[tokio::test]
async fn readings_come_oldest_first_in_pages() {
    let app = TestApp::new();
    let worker = app.running().await;
    for minute in 0..5_u64 {
        let at = START.minus(Duration::from_secs(60 * (5 - minute)));
        let cpu = Some(f64::from(u32::try_from(minute).unwrap()));
        let sample = Sample { at, cpu, memory: None, disk: None, nodes: Some(3) };
        app.stores().samples.add(worker.id, sample).await.unwrap();
    }
    let path = format!("/workers/{}/metrics?limit=3", worker.id);

    let first = app.get(&path).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app.get(&format!("{path}&cursor={cursor}")).await.expect(200);

    let cpus = |page: &serde_json::Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["cpu"].as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!((cpus(&first), cpus(&second)), (vec![0.0, 1.0, 2.0], vec![3.0, 4.0]));
    assert_eq!(second["next_cursor"], json!(null));
    let backwards =
        app.get(&format!("{path}&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")).await;
    backwards.refused(400, "invalid_query");
}

#[tokio::test]
async fn a_refresh_is_folded_and_throttled() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/refresh", worker.id);

    let first = app.post(&path, json!({})).await.expect(202);
    let folded = app.post(&path, json!({})).await.expect(202);
    let id: String = first["operation"]["id"].as_str().unwrap().to_owned();
    app.finish_command(&id, json!(null)).await;
    app.clock.advance(Duration::from_secs(2));
    let throttled = app.post(&path, json!({})).await.expect(202);

    assert_eq!(folded["outcome"], "under_way");
    assert_eq!(folded["operation"]["id"], id);
    assert_ne!(throttled["operation"]["id"], id);
    let due = START.plus(Duration::from_secs(10)).to_string();
    assert_eq!(throttled["operation"]["not_before"], due);
    assert!(throttled["detail"].as_str().unwrap().contains(&due));
}

#[tokio::test]
async fn an_import_is_a_command_that_shows_what_came_of_it() {
    let app = TestApp::new();
    let body =
        json!({"region": "eu-central-1", "instance_id": "i-0123456789abcdef0", "name": "mine"});

    let asked = app.post("/workers/import", body).await.expect(202);
    let id = asked["operation"]["id"].as_str().unwrap();
    let result = json!({"found": 1, "imported": [], "skipped": []});
    app.finish_command(id, result.clone()).await;

    let shown = app.get(&format!("/operations/{id}")).await.expect(200);
    assert_eq!(shown["state"], "succeeded");
    assert_eq!(shown["kind"], "import_instances");
    assert_eq!(shown["result"], result);
}

#[tokio::test]
async fn an_import_that_contradicts_itself_is_refused() {
    let app = TestApp::new();
    for (body, pointers) in [
        (json!({"region": "eu-central-1"}), vec!["/instance_id"]),
        (
            json!({"region": "eu-central-1", "ami_id": "ami-01234567", "ami_name": "x"}),
            vec!["/instance_id"],
        ),
        (
            json!({"region": "eu-central-1", "instance_id": "i-01234567", "all": true, "name": "n"}),
            vec!["/all", "/name"],
        ),
    ] {
        let answer = app.post("/workers/import", body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.pointers(), pointers);
    }
}

#[tokio::test]
async fn a_worker_whose_launch_failed_says_what_to_do() {
    let app = TestApp::new();
    let body =
        json!({"name": "a", "region": "eu-west-1", "instance_type": "c5.metal", "ami_name": "x"});
    let made = app.post("/workers", body).await.expect(202);
    let id = made["worker"]["id"].as_str().unwrap();
    let fail = |worker: &mut ccm_domain::Worker| {
        worker.observe_failed_launch("no capacity", START);
        worker.step_power(|operation| operation.fail("no capacity", None, START));
        Ok(())
    };
    app.fleet.update(&app.stores().workers, id, crate::world::LEADER, fail).await.unwrap();

    let answer = app.post(&format!("/workers/{id}/start"), json!({})).await;

    answer.refused(409, "never_created");
    assert_eq!(app.find(id.parse().unwrap()).await.state(), WorkerState::Failed);
}
