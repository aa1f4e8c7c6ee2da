//! What a controller looks like from outside while it boots.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{FIRST, Sim, answer};

#[tokio::test]
async fn a_boot_breaks_connections_then_answers_502_then_is_not_ready_then_ready() {
    let sim = Sim::new().await;
    let information = format!("/{FIRST}/api/v0/system_information");
    for on in [false, true] {
        let path = format!("/{FIRST}/_sim/power");
        let (status, _) = answer(sim.request(Method::POST, &path).json(&json!({ "on": on }))).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    sim.request(Method::GET, &information).send().await.unwrap_err();
    sim.clock.advance(Duration::from_secs(80));
    let (status, page) = answer(sim.request(Method::GET, &information)).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(page.as_str().is_some_and(|page| page.contains("<html>")), "not the controller's JSON");
    sim.clock.advance(Duration::from_secs(50));
    let (status, body) = answer(sim.request(Method::GET, &information)).await;
    assert_eq!((status, &body["ready"]), (StatusCode::OK, &json!(false)));
    let lab = sim.first_lab().await;
    let (status, _) = sim.call(Method::PUT, &format!("labs/{lab}/start"), None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "no compute yet");
    sim.clock.advance(Duration::from_secs(60));
    let (_, body) = answer(sim.request(Method::GET, &information)).await;
    assert_eq!(body["ready"], json!(true));
}

#[tokio::test]
async fn an_instance_id_nobody_mentioned_has_a_controller_too() {
    let sim = Sim::new().await;

    let path = "/i-0feedfacefeedface/api/v0/system_information";
    let (status, _) = answer(sim.request(Method::GET, path)).await;

    assert_eq!(status, StatusCode::OK);
    let (_, workers) = answer(sim.request(Method::GET, "/_sim/workers")).await;
    assert_eq!(workers.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn without_a_prefix_the_first_controller_answers() {
    let sim = Sim::new().await;
    let (_, bare) = answer(sim.request(Method::GET, "/api/v0/system_information")).await;

    assert_eq!(bare["version"], json!("2.9.0"));
    for path in ["/", "/nonsense", &format!("/{FIRST}"), &format!("/{FIRST}/api/v0/nonsense")] {
        let (status, body) = answer(sim.request(Method::GET, path)).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!(404)), "{path}");
    }
}
