//! Operations of workers and commands in one list.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::TestApp;

/// Begins four operations of both kinds, a second apart, and returns their ids, newest first.
async fn four(app: &TestApp) -> Vec<String> {
    let (running, stopped) = (app.running().await, app.stopped().await);
    let mut ids = Vec::new();
    for path in [
        format!("/workers/{}/start", stopped.id),
        format!("/workers/{}/refresh", running.id),
        format!("/workers/{}/stop", running.id),
        format!("/workers/{}/refresh", stopped.id),
    ] {
        app.clock.advance(Duration::from_secs(1));
        let asked = app.post(&path, json!({})).await.expect(202);
        ids.insert(0, asked["operation"]["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn both_kinds_are_listed_newest_first_and_shown_in_one_shape() {
    let app = TestApp::new();
    let expected = four(&app).await;

    let page = app.get("/operations").await.expect(200);

    assert_eq!(ids(&page), expected);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for item in page["items"].as_array().unwrap() {
        assert_eq!(keys(item), keys(&page["items"][0]));
        let path = format!("/operations/{}", item["id"].as_str().unwrap());
        assert_eq!(&app.get(&path).await.expect(200), item);
    }
}

#[tokio::test]
async fn pages_of_operations_hold_each_once() {
    let app = TestApp::new();
    let expected = four(&app).await;

    for limit in 1..=5 {
        let mut seen = Vec::new();
        let mut path = format!("/operations?limit={limit}");
        loop {
            let page = app.get(&path).await.expect(200);
            seen.extend(ids(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/operations?limit={limit}&cursor={cursor}");
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

#[tokio::test]
async fn operations_are_filtered_by_worker_and_state() {
    let app = TestApp::new();
    let all = four(&app).await;
    let refresh = app.get("/operations?state=queued").await.expect(200);
    assert_eq!(ids(&refresh), [all[0].clone(), all[2].clone()]);
    assert_eq!(
        ids(&app.get("/operations?state=running").await.expect(200)),
        [all[1].clone(), all[3].clone()]
    );
    app.finish_command(&all[2], json!(null)).await;

    let worker = refresh["items"][1]["worker_id"].as_str().unwrap();
    let of_worker = app.get(&format!("/operations?worker={worker}")).await.expect(200);
    let done = app.get("/operations?state=succeeded").await.expect(200);

    assert_eq!(ids(&of_worker), [all[1].clone(), all[2].clone()]);
    assert_eq!(ids(&done), [all[2].clone()]);
    assert_eq!(app.get("/operations?state=canceled").await.expect(200)["items"], json!([]));
}
