//! How problems look on the wire.

use std::time::Duration;

use ccm_domain::InstanceState;
use http::Method;
use serde_json::json;

use crate::app::{Answer, TestApp};

/// The whole answer but for what differs each time.
fn shown(answer: &Answer) -> String {
    let mut body = answer.json();
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    body["request_id"] = json!("[id]");
    let retry = answer.header("retry-after");
    let pretty = serde_json::to_string_pretty(&body).unwrap();
    format!("{} {} retry-after={retry}\n{pretty}", answer.status, answer.header("content-type"))
}

#[tokio::test]
async fn problems_of_each_kind() {
    let app = TestApp::new();
    let gone = app.worker(3, InstanceState::Terminated).await;
    let worker = app.running().await;
    let patch = |rev| {
        let call =
            app.call(Method::PATCH, &format!("/workers/{}", worker.id)).json(json!({"name": "x"}));
        if rev == 0 { call } else { call.if_match(rev) }
    };
    let answers = [
        app.get("/workers?limit=many").await,
        app.get("/workers/abc").await,
        app.call(Method::POST, "/workers").body("application/json", "{").send().await,
        app.call(Method::GET, "/workers").role("root").send().await,
        app.call(Method::POST, "/workers")
            .role("viewer")
            .json(json!({"name": "a", "region": "eu-west-1"}))
            .send()
            .await,
        app.call(Method::GET, "/workers").header("host", "evil.example").send().await,
        app.get("/workers/019a0000-0000-7000-8000-000000000000").await,
        app.get("/nothing").await,
        app.call(Method::PUT, "/workers").send().await,
        app.post(&format!("/workers/{}/start", gone.id), json!({})).await,
        patch(9).send().await,
        app.call(Method::POST, "/workers").body("text/plain", "x").send().await,
        app.post("/workers", json!({"name": "a", "region": 7})).await,
        app.post("/workers", json!({"name": "", "region": "eu-west-1"})).await,
        patch(0).send().await,
    ];

    let all: Vec<String> = answers.iter().map(shown).collect();

    insta::assert_snapshot!(all.join("\n\n"));
}

#[tokio::test]
async fn a_store_that_is_away_is_503_and_tells_nothing_inside() {
    let app = TestApp::with_broken_store();

    for path in
        ["/workers", "/workers/019a0000-0000-7000-8000-000000000000", "/settings", "/operations"]
    {
        let answer = app.get(path).await;
        answer.refused(503, "store_unavailable");
        assert_eq!(answer.header("retry-after"), "2");
        assert!(!answer.text.contains("disk on fire"), "{}", answer.text);
    }
    let system = app.get("/system").await.expect(200);
    let store = json!({"name": "store", "healthy": false, "detail": "cannot be reached"});
    assert!(system["parts"].as_array().unwrap().contains(&store), "{system}");
}

#[tokio::test]
async fn a_handler_that_panics_is_500_and_tells_nothing_inside() {
    let app = TestApp::with_panicking_store();

    let answer = app.get("/workers").await;

    answer.refused(500, "internal");
    assert!(!answer.text.contains("boom"), "{}", answer.text);
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn more_requests_than_there_is_room_for_are_turned_away_at_once() {
    let (app, _reads) = TestApp::with_slow_store(Duration::from_millis(300));
    let asked = (0..300).map(|_| app.get("/workers"));

    let answers = futures_util::future::join_all(asked).await;

    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
    assert_eq!((served.len(), refused.len()), (256, 44));
    for answer in refused {
        answer.refused(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
}
