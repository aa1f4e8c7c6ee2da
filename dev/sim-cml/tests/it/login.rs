//! Who may do what.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{FIRST, SECOND, Sim, answer};

#[tokio::test]
async fn wrong_credentials_are_403_and_a_missing_token_is_401() {
    let sim = Sim::new().await;
    let login = json!({ "username": "admin", "password": "nonsense" });
    for path in ["authenticate", "auth_extended"] {
        let request = sim.request(Method::POST, &format!("/{FIRST}/api/v0/{path}"));
        let (status, body) = answer(request.json(&login)).await;
        assert_eq!((status.as_u16(), &body["code"]), (403, &json!(403)), "{path}");
        assert!(body["description"].is_string());
    }
    for path in ["authok", "labs", "licensing", "telemetry/events", "system_stats"] {
        let request = sim.request(Method::GET, &format!("/{FIRST}/api/v0/{path}"));
        let (status, body) = answer(request.bearer_auth("a.b.c")).await;
        assert_eq!((status.as_u16(), &body["code"]), (401, &json!(401)), "{path}");
    }
}

#[tokio::test]
async fn a_token_counts_on_its_own_controller_until_it_expires() {
    let sim = Sim::new().await;
    let token = sim.token(FIRST).await;
    let status = async |worker: &str| {
        let path = format!("/{worker}/api/v0/authok");
        answer(sim.request(Method::GET, &path).bearer_auth(&token)).await.0
    };

    assert_eq!(status(FIRST).await, StatusCode::OK);
    assert_eq!(status(SECOND).await, StatusCode::UNAUTHORIZED);
    sim.clock.advance(Duration::from_secs(3_599));
    assert_eq!(status(FIRST).await, StatusCode::OK);
    sim.clock.advance(Duration::from_secs(1));
    assert_eq!(status(FIRST).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn logging_out_ends_one_session_or_all() {
    let sim = Sim::new().await;
    let (one, two, three) =
        (sim.token(FIRST).await, sim.token(FIRST).await, sim.token(FIRST).await);
    let status = async |token: &str| {
        let path = format!("/{FIRST}/api/v0/authok");
        answer(sim.request(Method::GET, &path).bearer_auth(token)).await.0.as_u16()
    };
    let leave = async |token: &str, query: &str| {
        let path = format!("/{FIRST}/api/v0/logout{query}");
        answer(sim.request(Method::DELETE, &path).bearer_auth(token)).await
    };

    assert_eq!(leave(&one, "").await, (StatusCode::OK, json!(true)));
    assert_eq!((status(&one).await, status(&two).await), (401, 200));
    assert_eq!(leave(&two, "?clear_all_sessions=true").await.0, StatusCode::OK);
    assert_eq!((status(&two).await, status(&three).await), (401, 401));
    assert_eq!(status(&sim.token(FIRST).await).await, 200);
}

#[tokio::test]
async fn who_am_i_is_asked_in_the_way_of_the_version() {
    for (version, code) in [("2.9.0", 404), ("2.10.0", 200)] {
        let sim = Sim::of(version).await;
        let (status, body) = sim.call(Method::GET, "authentication", None).await;
        assert_eq!(status.as_u16(), code, "{version}: {body}");
        assert_eq!(sim.get("authok").await, json!("OK"));
    }
}

#[tokio::test]
async fn a_person_sees_her_own_labs_and_no_licence() {
    let sim = Sim::new().await;
    let users = sim.get("users").await;
    let person = users.as_array().unwrap().iter().find(|user| user["admin"] == false).unwrap();
    let name = person["username"].as_str().unwrap();
    let login = json!({ "username": name, "password": name });
    let path = format!("/{FIRST}/api/v0/auth_extended");
    let (_, session) = answer(sim.request(Method::POST, &path).json(&login)).await;
    assert_eq!((&session["id"], &session["admin"]), (&person["id"], &json!(false)));
    let get = async |path: &str| {
        let request = sim.request(Method::GET, &format!("/{FIRST}/api/v0/{path}"));
        answer(request.bearer_auth(session["token"].as_str().unwrap())).await
    };

    assert_eq!(get("labs?show_all=true").await, (StatusCode::OK, person["labs"].clone()));
    assert_eq!(get("licensing").await.0, StatusCode::FORBIDDEN);
    assert_eq!(get("telemetry/events").await.0, StatusCode::FORBIDDEN);
}
