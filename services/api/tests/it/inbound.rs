//! Events from outside, through the API's port: what is answered, and what is done.

use ccm_api::dto::stream::ReceivedEvents;
use ccm_domain::CommandKind;
use ccm_ports::Query;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Call, TestApp};

const TOKEN: &str = "a-token-of-twenty-xx";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/here", "type": "org.example.happened"})
}

fn notice(instance: &str, state: &str) -> Value {
    json!({
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification", "region": "eu-central-1",
        "detail": {"instance-id": instance, "state": state},
    })
}

fn inbound(app: &TestApp) -> Call<'_> {
    app.call(Method::POST, "/events/inbound").header("authorization", format!("Bearer {TOKEN}"))
}

async fn send(app: &TestApp, media: &str, body: &Value) -> Answer {
    inbound(app).body(media, body.to_string()).send().await
}

#[tokio::test]
async fn nothing_is_taken_until_a_secret_is_configured() {
    let app = TestApp::new();

    send(&app, STRUCTURED, &event("a-1")).await.refused(404, "inbound_off");
}

#[tokio::test]
async fn every_mode_is_taken_and_known_when_it_comes_again() {
    let app = TestApp::taking_events(TOKEN, 300);
    let binary = || {
        let call = inbound(&app).header("ce-specversion", "1.0").header("ce-id", "a%2F1");
        call.header("ce-source", "/here").header("ce-type", "org.example.happened")
    };

    let first = binary().body("text/plain", "words").send().await;
    let counts = first.expect(202);
    assert_eq!(counts, json!({"accepted": 1, "known": 0}));
    let described: ReceivedEvents = serde_json::from_value(counts.clone()).unwrap();
    assert_eq!(json!(described), counts);
    binary().body("text/plain", "words").send().await.expect(204);
    send(&app, "Application/CloudEvents+JSON; charset=UTF-8", &event("a/1")).await.expect(204);
    let batch = json!([event("a/1"), event("a-2"), event("a-2")]);
    let mixed = send(&app, BATCH, &batch).await;
    assert_eq!(mixed.expect(202), json!({"accepted": 1, "known": 2}));
    send(&app, BATCH, &batch).await.expect(204);
    send(&app, BATCH, &json!([])).await.expect(204);

    assert_eq!(app.everything().await.iter().filter(|(kind, ..)| kind == "receipts").count(), 2);
    let text = app.shell.metrics.render().unwrap();
    for line in ["{outcome=\"ignored\"} 2", "{outcome=\"known\"} 7"] {
        let line = format!("ccm_inbound_events_total{line}");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn what_eventbridge_says_of_an_instance_becomes_a_command_to_look_at_it() {
    let app = TestApp::taking_events(TOKEN, 300);
    let worker = app.running().await;
    let id = worker.instance_id().unwrap().to_string();

    send(&app, "application/json", &notice(&id, "stopping")).await.expect(202);

    let commands = app.stores().commands.list(&Query::default()).await.unwrap().items;
    assert_eq!(commands.len(), 1);
    assert!(
        matches!(commands[0].kind, CommandKind::LookAtWorker { worker: about, .. } if about == worker.id)
    );
    let shown = app.get("/operations").await.expect(200);
    assert_eq!(shown["items"][0]["kind"], "look_at_worker", "{shown}");
}

#[tokio::test]
async fn every_refusal_says_what_is_wrong_and_leaves_nothing_behind() {
    let app = TestApp::taking_events(TOKEN, 300);
    app.running().await;
    let before = app.everything().await;
    let (mut nameless, mut old) = (event("a-1"), event("a-2"));
    nameless.as_object_mut().unwrap().remove("source");
    old["specversion"] = json!("0.3");
    let large = json!({"specversion": "1.0", "id": "a", "source": "/", "type": "t",
        "data": "x".repeat(64 << 10)});

    for (media, body, status, code, pointers) in [
        (STRUCTURED, nameless.clone(), 400, "invalid_event", vec!["/source"]),
        (
            BATCH,
            json!([event("a"), nameless, old]),
            400,
            "invalid_event",
            vec!["/1/source", "/2/specversion"],
        ),
        ("application/json", json!({}), 400, "invalid_event", vec!["header/ce-specversion"]),
        (
            "application/json",
            notice("i-7", "running"),
            400,
            "invalid_event",
            vec!["/detail/instance-id"],
        ),
        ("application/cloudevents+xml", event("a"), 415, "unsupported_media_type", vec![]),
        ("text/plain", event("a"), 415, "unsupported_media_type", vec![]),
        (STRUCTURED, large, 413, "body_too_large", vec![]),
        (BATCH, json!(vec![event("a"); 101]), 413, "body_too_large", vec![]),
        (STRUCTURED, json!("x".repeat(1 << 20)), 413, "body_too_large", vec![]),
    ] {
        let answer = send(&app, media, &body).await;
        answer.refused(status, code);
        assert_eq!(answer.pointers(), pointers, "{media}");
    }
    let announced = inbound(&app).header("content-length", "1048577").body(STRUCTURED, "{}");
    announced.send().await.refused(413, "body_too_large");
    assert_eq!(app.everything().await, before);
    let text = app.shell.metrics.render().unwrap();
    let line = "ccm_inbound_declined_total{reason=\"body_too_large\"} 4";
    assert!(text.contains(line), "{line} is not in\n{text}");
}

#[tokio::test]
async fn strangers_are_refused_whatever_role_they_claim() {
    let app = TestApp::taking_events(TOKEN, 300);
    let before = app.everything().await;
    for (name, value) in [
        ("x-ccm-role", "admin"),
        ("authorization", "Bearer a-token-of-twenty-xy"),
        ("authorization", "Basic YTpi"),
        ("webhook-signature", "v1,AAAA"),
    ] {
        let call = app.call(Method::POST, "/events/inbound").header(name, value);
        let answer = call.body(STRUCTURED, event("a").to_string()).send().await;
        answer.refused(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        assert!(!answer.text.contains("twenty"), "{answer:?}");
    }
    assert_eq!(app.everything().await, before);
}

#[tokio::test]
async fn too_many_events_are_told_when_to_come_again() {
    let app = TestApp::taking_events(TOKEN, 2);
    send(&app, BATCH, &json!([event("a"), event("b")])).await.expect(202);

    let answer = send(&app, STRUCTURED, &event("c")).await;

    answer.refused(429, "too_many_events");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((29..=30).contains(&wait), "{wait}");
}

#[tokio::test]
async fn events_that_cannot_be_kept_are_to_be_sent_again() {
    let app = TestApp::taking_events_on_a_broken_store(TOKEN);

    let answer = send(&app, STRUCTURED, &event("a")).await;

    answer.refused(503, "store_unavailable");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
}

#[tokio::test]
async fn an_idempotency_key_of_a_sender_means_nothing_here() {
    let app = TestApp::taking_events(TOKEN, 300);
    for (id, status) in [("a", 202), ("b", 202), ("a", 204)] {
        let call =
            inbound(&app).header("idempotency-key", "k").body(STRUCTURED, event(id).to_string());
        call.send().await.expect(status);
    }
}

#[tokio::test]
async fn senders_that_ask_first_are_given_consent_by_name() {
    let app = TestApp::taking_events(TOKEN, 300);
    for (origin, allowed, rate) in
        [("hooks.example", "hooks.example", "300"), ("evil.example", "", "")]
    {
        let call = app.call(Method::OPTIONS, "/events/inbound");
        let answer = call.header("webhook-request-origin", origin).send().await;

        answer.expect(204);
        let shown =
            (answer.header("webhook-allowed-origin"), answer.header("webhook-allowed-rate"));
        assert_eq!(shown, (allowed, rate), "{origin}");
    }
}

#[test]
fn these_are_the_only_operations_without_a_caller() {
    let document: Value = serde_json::from_str(&ccm_api::openapi::document()).unwrap();
    let items = document["paths"].as_object().unwrap().iter();
    let operations = items.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    });
    let open: Vec<_> = operations
        .filter(|(.., operation)| operation["x-caller"] == "sender")
        .map(|(path, method, _)| (path.as_str(), method.as_str()))
        .collect();

    let path = "/api/v1/events/inbound";
    assert_eq!(open, [(path, "options"), (path, "post")]);
}
