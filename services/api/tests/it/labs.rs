//! Labs: lists, pictures, files, actions.

use std::time::Duration;

use ccm_domain::cml::LabState;
use ccm_domain::{CommandKind, InstanceState};
use http::Method;
use serde_json::{Value, json};

use crate::app::TestApp;

const FILE: &str = "lab:\n  title: one\nnodes: []\nlinks: []\n";

#[tokio::test]
async fn labs_of_all_workers_are_in_one_list() {
    let app = TestApp::new();
    let (one, two) =
        (app.worker(1, InstanceState::Running).await, app.worker(2, InstanceState::Running).await);
    app.lab(one.id, "a", LabState::Started).await;
    app.lab(two.id, "a", LabState::Stopped).await;
    app.lab(two.id, "b", LabState::Stopped).await;
    let ids = |body: Value| {
        let items = body["items"].as_array().unwrap().clone();
        items.iter().map(|lab| lab["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(ids(app.get("/labs?sort=title").await.expect(200)), ["Lab a", "Lab a", "Lab b"]);
    assert_eq!(ids(app.get("/labs?state=started").await.expect(200)), ["Lab a"]);
    assert_eq!(ids(app.get("/labs?q=LAB%20B").await.expect(200)), ["Lab b"]);
    let path = format!("/workers/{}/labs?sort=-title", two.id);
    assert_eq!(ids(app.get(&path).await.expect(200)), ["Lab b", "Lab a"]);
    app.get("/labs?state=exploded").await.refused(400, "invalid_query");
}

#[tokio::test]
async fn an_action_becomes_a_command_and_shows_in_the_lab() {
    let app = TestApp::new();
    let worker = app.running().await;
    app.lab(worker.id, "a", LabState::Stopped).await;
    let path = format!("/workers/{}/labs/a", worker.id);

    let asked = app.post(&format!("{path}/start"), json!({})).await.expect(202);
    let again = app.post(&format!("{path}/start"), json!({})).await.expect(202);
    let other = app.post(&format!("{path}/wipe"), json!({})).await;

    let id = asked["operation"]["id"].as_str().unwrap();
    assert_eq!(asked["operation"]["kind"], "lab_action");
    assert_eq!(asked["operation"]["action"], "start");
    assert_eq!(asked["lab"]["action"]["command"], id);
    assert_eq!((&again["outcome"], &again["operation"]["id"]), (&json!("under_way"), &json!(id)));
    other.refused(409, "lab_busy");
    let command = app.stores().commands.get(id).await.unwrap();
    assert!(matches!(command.kind, CommandKind::LabAction { .. }));
    assert_eq!(app.everything().await.iter().filter(|(name, ..)| name == "commands").count(), 1);
}

#[tokio::test]
async fn the_order_of_a_labs_life_is_explained() {
    let app = TestApp::new();
    let worker = app.running().await;
    for (id, state) in
        [("up", LabState::Started), ("down", LabState::Stopped), ("new", LabState::DefinedOnCore)]
    {
        app.lab(worker.id, id, state).await;
    }
    let labs = format!("/workers/{}/labs", worker.id);
    let delete = |id: &'static str| app.call(Method::DELETE, &format!("{labs}/{id}")).send();

    app.post(&format!("{labs}/up/wipe"), json!({})).await.refused(409, "lab_not_stopped");
    delete("up").await.refused(409, "lab_not_stopped");
    delete("down").await.refused(409, "lab_not_wiped");
    let up = app.post(&format!("{labs}/up/start"), json!({})).await.expect(200);
    let new = app.post(&format!("{labs}/new/stop"), json!({})).await.expect(200);
    assert_eq!((&up["outcome"], &new["outcome"]), (&json!("already_so"), &json!("already_so")));
    delete("new").await.expect(202);
}

#[tokio::test]
async fn nothing_is_asked_of_a_controller_that_does_not_serve() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    app.lab(worker.id, "a", LabState::Stopped).await;
    let labs = format!("/workers/{}/labs", worker.id);
    let before = app.everything().await;

    for path in [format!("{labs}/a/start"), format!("{labs}/refresh")] {
        app.post(&path, json!({})).await.refused(409, "not_serving");
    }
    app.post(&labs, json!({"topology": FILE})).await.refused(409, "not_serving");
    app.get(&format!("{labs}/a/download")).await.refused(409, "not_serving");

    assert_eq!(app.everything().await, before);
}

#[tokio::test]
async fn a_lab_file_is_taken_as_json_and_as_it_is() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/labs", worker.id);

    let json = app.post(&path, json!({"topology": FILE, "title": null})).await.expect(202);
    let raw = app.call(Method::POST, &path).body("application/yaml", FILE).send().await.expect(202);
    let named = app.post(&path, json!({"topology": FILE, "title": "two"})).await.expect(202);

    assert_eq!(yaml_of(&app, &json).await, FILE);
    assert_eq!(yaml_of(&app, &raw).await, FILE);
    assert!(yaml_of(&app, &named).await.contains("title: two"));
}

async fn yaml_of(app: &TestApp, answer: &Value) -> String {
    let id = answer["operation"]["id"].as_str().unwrap();
    let command = app.stores().commands.get(id).await.unwrap();
    let CommandKind::ImportLab { yaml, .. } = command.kind else { panic!("{command:?}") };
    yaml
}

#[tokio::test]
async fn what_is_no_lab_file_is_refused_by_name() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/labs", worker.id);
    let large = format!("lab: {{}}\nnotes: {}", "x".repeat(1 << 20));

    for (body, pointer) in [
        (json!({"topology": ""}), "/topology"),
        (json!({"topology": "a: ["}), "/topology"),
        (json!({"topology": "nodes: []"}), "/topology"),
        (json!({"topology": large}), "/topology"),
        (json!({"topology": FILE, "title": ""}), "/title"),
        (json!({"title": "x"}), "/topology"),
    ] {
        let answer = app.post(&path, body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.pointers(), [pointer], "{}", answer.text);
    }
    let raw = app.call(Method::POST, &path).body("application/yaml", "a: [").send().await;
    raw.refused(422, "invalid");
}

#[tokio::test]
async fn a_download_waits_for_the_scheduler_and_is_given_out_again_while_fresh() {
    let app = TestApp::new();
    let worker = app.running().await;
    app.lab(worker.id, "a", LabState::Started).await;
    let path = format!("/workers/{}/labs/a/download", worker.id);
    let scheduler = async {
        loop {
            let waiting = app.get("/operations?state=queued").await.expect(200);
            if let Some(id) = waiting["items"][0]["id"].as_str() {
                return app.finish_command(id, json!({"yaml": FILE})).await;
            }
            tokio::task::yield_now().await;
        }
    };

    let (first, ()) = tokio::join!(app.get(&path), scheduler);
    let second = app.get(&path).await;

    assert_eq!((first.status, first.text.as_str()), (200, FILE));
    assert_eq!(first.header("content-type"), "application/yaml");
    assert_eq!(first.header("content-disposition"), "attachment; filename=\"a.yaml\"");
    assert_eq!(second.text, FILE);
    let operations = app.get("/operations").await.expect(200);
    assert_eq!(operations["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        operations["items"][0]["result"],
        json!(null),
        "the file is no part of the operation"
    );
}

#[tokio::test]
async fn a_download_that_nobody_waits_for_answers_with_its_operation() {
    let app = TestApp::new();
    let worker = app.running().await;
    app.lab(worker.id, "a", LabState::Started).await;
    let path = format!("/workers/{}/labs/a/download", worker.id);

    let get = || app.call(Method::GET, &path).header("prefer", "wait=0").send();

    let slow = get().await;
    let operation = slow.expect(202)["operation"]["id"].as_str().unwrap().to_owned();
    app.finish_command(&operation, json!({"yaml": FILE})).await;
    let fetched = get().await;

    assert_eq!(slow.header("location"), format!("/api/v1/operations/{operation}"));
    assert_eq!((fetched.status, fetched.text.as_str()), (200, FILE));
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(get().await.status, 202, "it may have changed meanwhile");
}

#[tokio::test]
async fn a_topology_is_drawn_with_the_states_of_its_nodes() {
    let app = TestApp::new();
    let worker = app.running().await;
    app.lab(worker.id, "a", LabState::Started).await;

    let answer = app.get(&format!("/workers/{}/labs/a/topology.svg", worker.id)).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    assert!(answer.header("content-security-policy").contains("sandbox"));
    assert_eq!(answer.text.matches("class=\"node booted\"").count(), 2);
    assert!(answer.text.contains("router-n1"));
}

#[tokio::test]
async fn a_lab_that_is_gone_is_not_found() {
    let app = TestApp::new();
    let worker = app.running().await;
    let lab = app.lab(worker.id, "a", LabState::Started).await;
    let key = ccm_ports::lab_key(worker.id, &lab.id);
    let now = app.fleet.now();
    let vanish = |lab: &mut ccm_domain::Lab| Ok(lab.vanish(now));
    app.fleet.update(&app.stores().labs, &key, crate::world::LEADER, vanish).await.unwrap();

    app.get(&format!("/workers/{}/labs/a", worker.id)).await.refused(404, "not_found");
    assert_eq!(app.get("/labs").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn labs_are_looked_at_once_for_all_who_ask() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/labs/refresh", worker.id);

    let first = app.post(&path, json!({})).await.expect(202);
    let second = app.post(&path, json!({})).await.expect(202);

    assert_eq!(first["operation"]["kind"], "sync_labs");
    assert_eq!(first["operation"]["id"], second["operation"]["id"]);
}
