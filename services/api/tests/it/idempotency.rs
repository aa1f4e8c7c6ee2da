//! `Idempotency-Key`: once done, however often sent.

use std::time::Duration;

use ccm_app::Reservation;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

fn order(name: &str) -> Value {
    json!({"name": name, "region": "eu-west-1", "instance_type": "c5.metal", "ami_name": "cml*"})
}

async fn create(app: &TestApp, key: &str, name: &str) -> Answer {
    app.call(Method::POST, "/workers").header("idempotency-key", key).json(order(name)).send().await
}

async fn workers(app: &TestApp) -> usize {
    app.get("/workers").await.expect(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_time() {
    let app = TestApp::new();

    let first = create(&app, "k", "a").await;
    let second = create(&app, "k", "a").await;

    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.text, second.text);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(workers(&app).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_body_one_route_and_one_caller() {
    let app = TestApp::new();
    create(&app, "k", "a").await.expect(202);

    create(&app, "k", "b").await.refused(422, "key_reused");
    let worker = app.running().await;
    let path = format!("/workers/{}/stop", worker.id);
    app.call(Method::POST, &path).header("idempotency-key", "k").send().await.expect(202);
    let call = app.call(Method::POST, "/workers").header("idempotency-key", "k");
    let other = call.header("x-ccm-user", "bob").json(order("a")).send().await;
    assert_eq!(other.header("idempotency-replayed"), "");
    other.expect(202);
}

#[tokio::test]
async fn without_a_key_each_request_counts() {
    let app = TestApp::new();

    app.post("/workers", order("a")).await.expect(202);
    app.post("/workers", order("a")).await.expect(202);

    assert_eq!(workers(&app).await, 2);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let app = TestApp::new();
    let asked = (0..8).map(|_| create(&app, "k", "a"));

    let answers = futures_util::future::join_all(asked).await;

    let under_way = |a: &Answer| a.status == 409 && a.code() == "request_under_way";
    assert!(answers.iter().all(|a| a.status == 202 || under_way(a)), "{answers:?}");
    assert!(answers.iter().any(|a| a.status == 202));
    assert_eq!(workers(&app).await, 1);
}

#[tokio::test]
async fn a_refused_request_may_be_repeated_once_it_fits() {
    let app = TestApp::new();
    let before = app.everything().await;

    create(&app, "k", "").await.refused(422, "invalid");
    assert_eq!(app.everything().await, before);

    create(&app, "k", "a").await.expect(202);
}

#[tokio::test]
async fn a_request_whose_process_died_is_carried_on_under_the_same_id() {
    let app = TestApp::new();
    // What a process leaves that is killed after the worker was made and before the answer was kept.
    let first = create(&app, "k", "a").await.expect(202);
    let key = app.everything().await.into_iter().find(|(name, ..)| name == "replies").unwrap().1;
    let mut reply = app.stores().replies.get(&key).await.unwrap();
    reply.rev += 1;
    reply.status = None;
    reply.body = String::new();
    app.stores().replies.put(&reply, &[], ccm_ports::Writer::Intent).await.unwrap();

    create(&app, "k", "a").await.refused(409, "request_under_way");
    app.clock.advance(Duration::from_secs(61));
    let repeated = create(&app, "k", "a").await.expect(202);

    assert_eq!(repeated["operation"]["id"], first["operation"]["id"]);
    assert_eq!(repeated["worker"]["id"], first["worker"]["id"]);
    assert_eq!(workers(&app).await, 1);
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let app = TestApp::new();
    create(&app, "k", "a").await.expect(202);

    app.clock.advance(Duration::from_secs(24 * 3600));
    let fresh = create(&app, "k", "b").await;

    assert_eq!(fresh.header("idempotency-replayed"), "");
    fresh.expect(202);
}

#[tokio::test]
async fn a_request_of_unknown_outcome_keeps_its_id_for_the_repetition() {
    let app = TestApp::new();
    let Reservation::Begin(reply) = app.fleet.reserve_reply("k", "f").await.unwrap() else {
        panic!()
    };
    assert_eq!(app.fleet.reserve_reply("k", "f").await.unwrap(), Reservation::UnderWay);

    app.fleet.release_reply(reply.clone()).await.unwrap();

    let Reservation::Begin(again) = app.fleet.reserve_reply("k", "f").await.unwrap() else {
        panic!()
    };
    assert_eq!(again.ticket, reply.ticket);
    assert_eq!(app.fleet.reserve_reply("k", "g").await.unwrap(), Reservation::Reused);
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let app = TestApp::new();
    for key in ["", "a b", &"x".repeat(256)] {
        let answer = create(&app, key, "a").await;
        answer.refused(400, "invalid_header");
        assert_eq!(answer.pointers(), ["header/Idempotency-Key"]);
    }
    assert_eq!(workers(&app).await, 0);
}
