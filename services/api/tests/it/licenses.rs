//! Licences: the token goes into the secret store and nowhere else.

use ccm_domain::cml::{Compliance, LicenseSeen, Registration};
use ccm_domain::worker::LICENSE_LIMIT;
use ccm_domain::{OperationId, Worker};
use http::Method;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::app::{START, TestApp};
use crate::world::LEADER;

const TOKEN: &str = "TOPSECRET-TOKEN-4711";

#[tokio::test]
async fn a_token_is_kept_under_its_operation_and_nowhere_else() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/license/register", worker.id);

    let call = app.call(Method::POST, &path).header("idempotency-key", "k-1");
    let asked = call.json(json!({"token": TOKEN})).send().await.expect(202);

    let id = asked["operation"]["id"].as_str().unwrap();
    let secrets = &app.stores().secrets;
    let kept = secrets.reveal(id, app.fleet.now()).await.unwrap().unwrap();
    assert_eq!(kept.expose_secret(), TOKEN);
    let expired = START.plus(LICENSE_LIMIT * 2);
    assert!(secrets.reveal(id, expired).await.unwrap().is_none());
    let worker = app.find(worker.id).await;
    let stored = serde_json::to_string(&worker).unwrap();
    let replies = app.stores().replies.list(&ccm_ports::Query::default()).await.unwrap().items;
    let pending = app.stores().outbox.pending(100).await.unwrap();
    assert!(!pending.is_empty() && replies.len() == 1);
    for text in [stored, asked.to_string(), format!("{pending:?}"), format!("{replies:?}")] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    let shown = app.get(&format!("/operations/{id}")).await;
    assert!(!shown.text.contains("secret"), "{}", shown.text);
}

#[tokio::test]
async fn a_registered_worker_says_so_unless_asked_again() {
    let app = TestApp::new();
    let worker = app.running().await;
    let now = app.fleet.now();
    let seen = LicenseSeen {
        registration: Registration::Completed,
        reason: None,
        compliance: Compliance::InCompliance,
        product: Some("CML_Enterprise".to_owned()),
        expires_at: None,
        features: Vec::new(),
    };
    let observe = |w: &mut Worker| {
        w.observe_license(&seen, now);
        Ok(())
    };
    let workers = &app.stores().workers;
    app.fleet.update(workers, &worker.id.to_string(), LEADER, observe).await.unwrap();
    let path = format!("/workers/{}/license", worker.id);

    let shown = app.get(&path).await.expect(200);
    let same = app.post(&format!("{path}/register"), json!({"token": TOKEN})).await.expect(200);
    let body = json!({"token": TOKEN, "reregister": true});
    let again = app.post(&format!("{path}/register"), body).await.expect(202);

    assert_eq!(shown["status"], "registered");
    assert_eq!(same["outcome"], "already_so");
    assert_eq!(again["outcome"], "begun");
}

#[tokio::test]
async fn one_licence_operation_at_a_time() {
    let app = TestApp::new();
    let worker = app.running().await;
    let path = format!("/workers/{}/license", worker.id);
    app.post(&format!("{path}/register"), json!({"token": TOKEN})).await.expect(202);

    let second = app.post(&format!("{path}/register"), json!({"token": "other"})).await;
    let third = app.post(&format!("{path}/deregister"), json!({})).await;

    second.refused(409, "license_operation_under_way");
    third.refused(409, "license_operation_under_way");
}

#[tokio::test]
async fn a_refused_registration_keeps_no_token() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    let before = app.everything().await;
    let path = format!("/workers/{}/license/register", worker.id);

    app.post(&path, json!({"token": TOKEN})).await.refused(409, "not_serving");
    for token in ["", "two words", "line\nbreak"] {
        let answer = app.post(&path, json!({ "token": token })).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.pointers(), ["/token"]);
    }

    assert_eq!(app.everything().await, before);
    let later = app.fleet.now().plus(LICENSE_LIMIT * 10);
    assert_eq!(app.stores().secrets.drop_expired(later).await.unwrap(), 0, "nothing was kept");
}

#[tokio::test]
async fn a_registration_that_was_cut_after_its_write_is_found_again_by_its_id() {
    let app = TestApp::new();
    let worker = app.running().await;
    let actor = ccm_domain::Actor::system("test");
    let (which, op) = (ccm_app::WorkerRef::Id(worker.id), app.fleet.new_operation_id());
    let token = TOKEN.into();
    let ask = |op: OperationId| {
        let (fleet, actor, which, token) = (&app.fleet, &actor, &which, &token);
        async move { fleet.request_registration(actor, which, token, false, op).await }
    };

    ask(op).await.unwrap();
    let repeated = ask(op).await.unwrap();

    assert_eq!(repeated.wish, ccm_domain::worker::Wish::UnderWay(op));
    assert_eq!(repeated.worker.operations.len(), 1);
    let kept = app.stores().secrets.reveal(&op.to_string(), app.fleet.now()).await.unwrap();
    assert!(kept.is_some(), "the operation under way still needs it");
}
