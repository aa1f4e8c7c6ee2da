//! Two writers at once: nobody's change is lost, nothing is done twice.

use ccm_app::{Expected, WorkerPatch, WorkerRef};
use ccm_domain::{Actor, Worker};
use http::Method;
use serde_json::json;

use crate::app::TestApp;
use crate::world::LEADER;

#[tokio::test]
async fn of_two_who_read_the_same_one_changes_it() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}", worker.id);
    let rename = |name: &str| {
        app.call(Method::PATCH, &path).if_match(1).json(json!({ "name": name })).send()
    };

    let (one, two) = tokio::join!(rename("one"), rename("two"));

    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, two.text);
    let winner = if one.status == 200 { "one" } else { "two" };
    assert_eq!(app.find(worker.id).await.name, winner);
}

#[tokio::test]
async fn what_the_scheduler_sees_meanwhile_is_no_conflict_for_people() {
    let app = TestApp::new();
    let worker = app.running().await;
    let (workers, key) = (&app.stores().workers, worker.id.to_string());
    let look = |w: &mut Worker| {
        w.observe_labs(5);
        Ok(())
    };
    app.fleet.update(workers, &key, LEADER, look).await.unwrap();

    let path = format!("/workers/{}", worker.id);
    let answer = app.call(Method::PATCH, &path).if_match(1).json(json!({"name": "x"})).send().await;

    answer.expect(200);
    let after = app.find(worker.id).await;
    assert_eq!((after.name.as_str(), after.status.cml.labs, after.rev), ("x", 5, 3));
}

#[tokio::test]
async fn many_intents_at_once_all_land() {
    let app = TestApp::new();
    let worker = app.running().await;
    let (actor, which) = (Actor::system("test"), WorkerRef::Id(worker.id));
    let renames = (0..20).map(|nth| {
        let patch = WorkerPatch { name: Some(format!("name-{nth}")), ..WorkerPatch::default() };
        let (fleet, actor, which) = (app.fleet.clone(), actor.clone(), which.clone());
        async move { fleet.change_worker(&actor, &which, &Expected::Any, &patch).await }
    });

    let outcomes = futures_util::future::join_all(renames).await;

    let landed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(landed, 20, "{outcomes:?}");
    assert_eq!(app.find(worker.id).await.spec_rev, worker.spec_rev + 20);
}

#[tokio::test]
async fn many_starts_at_once_are_one_operation() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    let path = format!("/workers/{}/start", worker.id);
    let starts = (0..10).map(|_| app.post(&path, json!({})));

    let answers = futures_util::future::join_all(starts).await;

    assert!(answers.iter().all(|answer| answer.status == 202));
    assert_eq!(app.find(worker.id).await.operations.len(), 1);
}

#[tokio::test]
async fn many_refreshes_at_once_are_one_command() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/refresh", worker.id);
    let asked = (0..10).map(|_| app.post(&path, json!({})));

    let answers = futures_util::future::join_all(asked).await;

    assert!(answers.iter().all(|answer| answer.status == 202));
    let commands = app.everything().await;
    assert_eq!(commands.iter().filter(|(name, ..)| name == "commands").count(), 1);
}

#[tokio::test]
async fn the_first_settings_are_written_by_one() {
    let app = TestApp::new();
    let mut body = app.get("/settings").await.expect(200);
    body.as_object_mut()
        .unwrap()
        .retain(|k, _| !matches!(k.as_str(), "rev" | "changed_at" | "changed_by"));
    let put = |timeout: u64| {
        let mut body = body.clone();
        body["idle"]["timeout_s"] = json!(timeout);
        app.call(Method::PUT, "/settings").if_match(0).json(body).send()
    };

    let (one, two) = tokio::join!(put(4000), put(5000));

    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, two.text);
}
