//! Schedules and runs.

use ccm_domain::RunState;
use http::Method;
use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn a_schedule_shows_when_it_runs_and_what_it_does() {
    let app = TestApp::new();
    app.schedule("observe_instances").await;

    let page = app.get("/schedules").await.expect(200);

    let schedule = &page["items"][0];
    assert_eq!(schedule["name"], "observe_instances");
    assert_eq!((&schedule["every"], &schedule["enabled"]), (&json!(60), &json!(true)));
    assert_eq!(schedule["cadence"], json!({"kind": "every", "seconds": 60}));
    assert!(schedule["description"].as_str().unwrap().contains("Sweeps"));
    assert_eq!(schedule["next_run"], app.fleet.now().to_string());
}

#[tokio::test]
async fn a_schedule_is_changed_by_who_has_read_it() {
    let app = TestApp::new();
    app.schedule("observe_instances").await;
    let change = |rev, body| {
        app.call(Method::PATCH, "/schedules/observe_instances").if_match(rev).json(body).send()
    };

    let changed = change(1, json!({"cadence": {"kind": "every", "seconds": 30}})).await;
    let stale = change(1, json!({"enabled": false})).await;

    assert_eq!(changed.expect(200)["every"], 30);
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.json()["changed_by"]["name"], "dev");
    stale.refused(412, "spec_changed");
    for (body, pointer) in [
        (json!({"cadence": {"kind": "every", "seconds": 1}, "jitter_s": 0}), "/cadence/seconds"),
        (json!({"cadence": {"kind": "cron", "expression": "often"}}), "/cadence/expression"),
        (json!({"jitter_s": 1_000_000}), "/jitter_s"),
    ] {
        let answer = change(2, body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[tokio::test]
async fn a_schedule_is_paused_triggered_and_resumed() {
    let app = TestApp::new();
    app.schedule("observe_instances").await;
    let post = |verb: &'static str| {
        let path = format!("/schedules/observe_instances/{verb}");
        let app = &app;
        async move { app.post(&path, json!({})).await }
    };

    let paused = post("pause").await.expect(200);
    let first = post("trigger").await.expect(202);
    let second = post("trigger").await.expect(202);
    let resumed = post("resume").await.expect(200);

    assert_eq!((&paused["enabled"], &paused["next_run"]), (&json!(false), &json!(null)));
    assert_eq!(first["triggered"], app.fleet.now().to_string());
    assert_eq!(first["triggered"], second["triggered"]);
    assert_eq!(resumed["enabled"], true);
    assert!(resumed["next_run"].is_string());
}

#[tokio::test]
async fn a_dead_run_is_put_back_once() {
    let app = TestApp::new();
    let run = app.dead_run("prune").await;
    let path = format!("/runs/{}", run.id);

    let shown = app.get(&path).await.expect(200);
    let put_back = app.post(&format!("{path}/requeue"), json!({})).await.expect(200);
    let again = app.post(&format!("{path}/requeue"), json!({})).await;

    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("dead"), &json!("AWS refuses the credentials"))
    );
    assert_eq!((&put_back["state"], &put_back["attempt"]), (&json!("queued"), &json!(0)));
    assert_eq!(put_back["requeued_by"]["name"], "dev");
    again.refused(409, "run_state");
    assert_eq!(app.find_run(&run.id).await.state, RunState::Queued);
}

#[tokio::test]
async fn runs_are_filtered() {
    let app = TestApp::new();
    app.dead_run("prune").await;
    app.dead_run("refresh_labs").await;
    let count = |path: &'static str| {
        let app = &app;
        async move { app.get(path).await.expect(200)["items"].as_array().unwrap().len() }
    };

    assert_eq!(count("/runs").await, 2);
    assert_eq!(count("/runs?schedule=prune").await, 1);
    assert_eq!(count("/runs?state=dead,quarantined").await, 2);
    assert_eq!(count("/runs?state=running").await, 0);
    assert_eq!(count("/runs?worker=019a0000-0000-7000-8000-000000000000").await, 0);
    assert_eq!(count("/runs?sort=queued_at&limit=1").await, 1);
}
