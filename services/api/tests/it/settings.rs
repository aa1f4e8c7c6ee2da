//! Settings: replaced as a whole by who has read them.

use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

async fn body(app: &TestApp) -> Value {
    let mut settings = app.get("/settings").await.expect(200);
    let fields = settings.as_object_mut().unwrap();
    fields.retain(|key, _| !matches!(key.as_str(), "rev" | "changed_at" | "changed_by"));
    settings
}

async fn put(app: &TestApp, rev: u64, body: Value) -> Answer {
    app.call(Method::PUT, "/settings").if_match(rev).json(body).send().await
}

#[tokio::test]
async fn what_is_read_can_be_put_back_and_changes_nothing() {
    let app = TestApp::new();
    let body = body(&app).await;

    let answer = put(&app, 0, body).await;

    assert_eq!(answer.expect(200)["rev"], 0);
    assert_eq!(answer.header("etag"), "\"0\"");
}

#[tokio::test]
async fn a_change_is_in_effect_at_once_with_its_author() {
    let app = TestApp::new();
    let mut body = body(&app).await;
    body["idle"]["timeout_s"] = json!(7200);

    let first = put(&app, 0, body.clone()).await.expect(200);
    body["retention"]["events"] = json!(5000);
    let second = put(&app, 1, body).await.expect(200);

    assert_eq!((&first["rev"], &second["rev"]), (&json!(1), &json!(2)));
    let shown = app.get("/settings").await.expect(200);
    assert_eq!(
        (&shown["idle"]["timeout_s"], &shown["retention"]["events"]),
        (&json!(7200), &json!(5000))
    );
    assert_eq!(shown["changed_by"]["name"], "dev");
    let worker = app.running().await;
    let idle = app.get(&format!("/workers/{}/idle", worker.id)).await.expect(200);
    assert_eq!(idle["policy"]["timeout_s"], 7200);
}

#[tokio::test]
async fn a_stale_change_is_refused_before_and_after_the_first_one() {
    let app = TestApp::new();
    let mut body = body(&app).await;
    body["idle"]["timeout_s"] = json!(7200);

    put(&app, 1, body.clone()).await.refused(412, "spec_changed");
    put(&app, 0, body.clone()).await.expect(200);
    body["idle"]["timeout_s"] = json!(3600);
    put(&app, 0, body).await.refused(412, "spec_changed");

    assert_eq!(app.get("/settings").await.expect(200)["idle"]["timeout_s"], 7200);
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let app = TestApp::new();
    let mut body = body(&app).await;
    body["idle"]["timeout_s"] = json!(1);
    body["retention"]["events"] = json!(1);
    body["import"]["rules"] = json!([{"region": "eu-west-1", "image_name": "*"}]);

    let answer = put(&app, 0, body).await;

    answer.refused(422, "invalid");
    let mut pointers = answer.pointers();
    pointers.sort();
    let expected = [
        "/idle/timeout_s",
        "/idle/warn_before_s",
        "/import/rules/0/image_name",
        "/retention/events",
    ];
    assert_eq!(pointers, expected);
}

#[tokio::test]
async fn a_section_that_is_left_out_is_not_reset() {
    let app = TestApp::new();
    let mut body = body(&app).await;
    body.as_object_mut().unwrap().remove("retention");

    let answer = put(&app, 0, body).await;

    answer.refused(422, "invalid");
    assert_eq!(answer.pointers(), ["/retention"]);
}
