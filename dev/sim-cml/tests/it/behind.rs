//! `/_sim`: making things happen, and the truth.

use ccm_domain::InstanceId;
use ccm_sim_cml::faults::FaultsFile;
use ccm_testkit::lab_host::{Fault, Way};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

use crate::client::{FIRST, SECOND, Sim, answer};

async fn post(sim: &Sim, path: &str, body: Value) -> StatusCode {
    answer(sim.request(Method::POST, &format!("/{FIRST}/_sim/{path}")).json(&body)).await.0
}

#[tokio::test]
async fn a_person_does_something_and_telemetry_shows_it() {
    let sim = Sim::new().await;
    let bare = sim.request(Method::POST, &format!("/{FIRST}/_sim/activity"));
    assert_eq!(answer(bare).await.0, StatusCode::NO_CONTENT);
    assert_eq!(post(&sim, "activity", json!({ "deed": "start_lab" })).await.as_u16(), 204);
    assert_eq!(post(&sim, "activity", json!({ "deed": "dance" })).await.as_u16(), 400);

    let events = sim.get("telemetry/events").await;

    let own = sim.get("users/admin/id").await;
    let foreign = events.as_array().unwrap().iter().filter(|event| {
        let user = &event["data"]["user_id"];
        !user.is_null() && *user != own
    });
    let categories: Vec<_> = foreign.map(|event| event["category"].as_str().unwrap()).collect();
    assert!(categories.contains(&"user_activity") && categories.contains(&"start_lab"));
    assert!(events[0]["timestamp"].as_str().unwrap().ends_with("+00:00"));
    let (_, truth) = answer(sim.request(Method::GET, &format!("/{FIRST}/_sim/truth"))).await;
    assert_eq!(truth["last_use"], json!("2026-03-02T08:00:00Z"));
}

#[tokio::test]
async fn faults_come_for_a_while_and_go() {
    let sim = Sim::new().await;
    let information = format!("/{FIRST}/api/v0/system_information");
    let fault = json!({ "kind": "status", "status": 500, "lasts": 30 });
    assert_eq!(post(&sim, "faults", fault).await, StatusCode::NO_CONTENT);
    let status = async || answer(sim.request(Method::GET, &information)).await.0.as_u16();

    assert_eq!(status().await, 500);
    let elsewhere = format!("/{SECOND}/api/v0/system_information");
    assert_eq!(answer(sim.request(Method::GET, &elsewhere)).await.0, StatusCode::OK);
    sim.clock.advance(Duration::from_secs(30));
    assert_eq!(status().await, 200);

    assert_eq!(post(&sim, "faults", json!({ "kind": "garbage" })).await.as_u16(), 204);
    let (_, torn) = answer(sim.request(Method::GET, &information)).await;
    assert!(torn.is_string(), "{torn} should be no JSON");
    let heal = sim.request(Method::DELETE, &format!("/{FIRST}/_sim/faults"));
    assert_eq!(answer(heal).await.0, StatusCode::NO_CONTENT);
    assert_eq!(status().await, 200);
    assert_eq!(post(&sim, "faults", json!({ "kind": "boredom" })).await.as_u16(), 400);
}

#[tokio::test]
async fn a_wrong_clock_shows_in_the_date_header() {
    let sim = Sim::new().await;
    let date = async || {
        let request = sim.request(Method::GET, &format!("/{FIRST}/api/v0/system_information"));
        let response = request.send().await.unwrap();
        response.headers()["date"].to_str().unwrap().to_owned()
    };
    assert_eq!(date().await, "Mon, 02 Mar 2026 08:00:00 GMT");

    post(&sim, "faults", json!({ "kind": "clock_skew", "seconds": -90 })).await;

    assert_eq!(date().await, "Mon, 02 Mar 2026 07:58:30 GMT");
}

#[tokio::test]
async fn a_faults_file_plans_what_goes_wrong_where_and_when() {
    let sim = Sim::new().await;
    let file = FaultsFile::parse(
        r#"
        [[fault]]
        worker = 2
        kind = "hang"
        after = 60
        lasts = 60

        [[fault]]
        worker = "i-0abcd1234ef567890"
        kind = "clock_skew"
        seconds = 7200
        "#,
    )
    .unwrap();
    file.plan(&sim.world).unwrap();
    let way = |id: &str| sim.world.reach(&id.parse::<InstanceId>().unwrap()).way;

    let first: InstanceId = FIRST.parse().unwrap();
    let reach = sim.world.reach(&first);
    assert_eq!(reach.clock.since(sim.world.now()), Duration::from_secs(7_200));
    for (seconds, expected) in [(59, Way::Open), (2, Way::Hangs), (60, Way::Open)] {
        sim.clock.advance(Duration::from_secs(seconds));
        assert_eq!(way(SECOND), expected);
    }
}

#[test]
fn a_faults_file_with_a_mistake_says_where() {
    for text in ["[[fault]]\nkind = \"boredom\"", "[[fault]]\nafter = 3", "[[faults]]", "kind ="] {
        let error = FaultsFile::parse(text).unwrap_err();
        assert!(format!("{error:#}").contains("line"), "{error:#}");
    }
}

#[tokio::test]
async fn a_slow_controller_still_answers() {
    let sim = Sim::new().await;
    sim.world.inject(&FIRST.parse().unwrap(), Fault::Slow { millis: 50 }, None);
    let begun = std::time::Instant::now();

    sim.first_lab().await;

    assert!(begun.elapsed() >= Duration::from_millis(100), "two calls of 50 ms");
}
