//! Tokens: kept, renewed, never shown.

use std::time::Duration;

use ccm_cml::CmlClient;
use ccm_ports::contract::cml::World as _;
use ccm_ports::{CmlApi, Controller, RemoteError};
use futures_util::future::join_all;

use crate::rig::{Plan, Rig, options, worker};

#[tokio::test]
async fn one_login_serves_all_calls() {
    let rig = Rig::new().await;

    for _ in 0..5 {
        rig.client.labs(&rig.at).await.unwrap();
        rig.client.load(&rig.at).await.unwrap();
    }

    assert_eq!(rig.logins(), 1);
}

#[tokio::test]
async fn calls_that_begin_together_log_in_once() {
    let rig = Rig::new().await;

    let calls = (0..20).map(|_| rig.client.license(&rig.at));
    for outcome in join_all(calls).await {
        outcome.unwrap();
    }

    assert_eq!(rig.logins(), 1);
}

#[tokio::test]
async fn a_burst_of_refused_tokens_logs_in_once() {
    let rig = Rig::new().await;
    rig.client.labs(&rig.at).await.unwrap();
    rig.happens(ccm_ports::contract::cml::Outside::SessionsEnd);

    let calls = (0..20).map(|_| rig.client.license(&rig.at));
    for outcome in join_all(calls).await {
        outcome.unwrap();
    }

    assert_eq!(rig.logins(), 2);
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let plan = Plan { token_life_secs: 3_600, ..Plan::default() };
    let rig = Rig::with(plan, options()).await;
    rig.client.license(&rig.at).await.unwrap();

    // Just before the margin, and just after it: the controller would still take the token.
    for (minutes, logins) in [(54, 1), (2, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(minutes * 60)).await;
        tokio::time::resume();
        rig.pass(Duration::from_secs(minutes * 60));
        rig.client.license(&rig.at).await.unwrap();
        assert_eq!(rig.logins(), logins, "after {minutes} minutes more");
    }
}

#[tokio::test]
async fn a_token_that_expired_behind_our_back_is_replaced() {
    let plan = Plan { token_life_secs: 3_600, ..Plan::default() };
    let rig = Rig::with(plan, options()).await;
    rig.client.license(&rig.at).await.unwrap();

    // Only the controller's clock moves on, as if it had been set.
    rig.pass(Duration::from_secs(3_601));
    rig.client.license(&rig.at).await.unwrap();

    assert_eq!(rig.logins(), 2);
}

#[tokio::test]
async fn wrong_credentials_are_tried_once_a_minute_at_most() {
    let mut wrong = options();
    wrong.login.password = "wrong".to_owned().into();
    let rig = Rig::with(Plan::default(), wrong).await;

    for outcome in join_all((0..10).map(|_| rig.client.labs(&rig.at))).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, RemoteError::Denied(_)), "{error:?}");
    }
    assert_eq!(rig.logins(), 1, "controllers lock accounts");

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    rig.client.labs(&rig.at).await.unwrap_err();
    assert_eq!(rig.logins(), 2);
}

#[tokio::test]
async fn a_token_is_never_sent_to_another_address() {
    let (first, second) = (Rig::new().await, Rig::new().await);
    first.client.labs(&first.at).await.unwrap();

    // The instance came back with another address: same worker, other endpoint.
    let moved = Controller { worker: first.at.worker, endpoint: second.at.endpoint.clone() };
    first.client.labs(&moved).await.unwrap();

    assert_eq!((first.logins(), second.logins()), (1, 1));
}

#[tokio::test]
async fn a_worker_can_have_a_login_of_its_own() {
    let mut own = options();
    own.login.password = "wrong".to_owned().into();
    let login = options().login;
    own.logins.insert(worker(7), login);

    let rig = Rig::with(Plan::default(), own).await;

    rig.client.labs(&rig.at).await.unwrap();
}

#[tokio::test]
async fn secrets_are_in_no_debug_and_no_error() {
    let mut secret = options();
    secret.login.password = "hunter2".to_owned().into();
    let rig = Rig::with(Plan::default(), secret.clone()).await;
    let denied = rig.client.labs(&rig.at).await.unwrap_err();

    let told = [
        format!("{secret:?}"),
        format!("{:?}", CmlClient::new(secret).unwrap()),
        format!("{:?} {denied:?} {denied}", rig.client),
    ];
    for text in told {
        assert!(!text.contains("hunter2"), "{text}");
    }

    let rig = Rig::new().await;
    rig.client.labs(&rig.at).await.unwrap();
    let token = "not a token, but a secret".to_owned();
    let invalid = rig.client.register(&rig.at, &token.into(), false).await.unwrap_err();
    let text = format!("{:?} {invalid:?} {invalid}", rig.client);
    assert!(!text.contains("but a secret") && !text.contains("eyJ"), "{text}");
}
