//! Labs as CML answers them, to the letter where clients look at letters.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{FIRST, Sim, answer};

const MISSING: &str = "7f5b0a2e-0000-4000-8000-000000000000";

#[tokio::test]
async fn what_is_not_there_is_named_in_the_words_that_clients_look_for() {
    let sim = Sim::new().await;
    let lab = sim.first_lab().await;
    for (method, path, text) in [
        (Method::GET, format!("labs/{MISSING}"), format!("Lab not found: {MISSING}")),
        (Method::PUT, format!("labs/{MISSING}/start"), format!("Lab not found: {MISSING}")),
        (Method::GET, format!("labs/{MISSING}/topology"), format!("Lab not found: {MISSING}")),
        (Method::GET, "labs/nonsense".to_owned(), "Lab not found: nonsense".to_owned()),
        (Method::GET, format!("labs/{lab}/nodes/{MISSING}"), format!("Node not found: {MISSING}")),
        (
            Method::DELETE,
            format!("labs/{lab}/links/{MISSING}"),
            format!("Link not found: {MISSING}"),
        ),
        (
            Method::GET,
            format!("labs/{lab}/interfaces/{MISSING}"),
            format!("Interface not found: {MISSING}"),
        ),
    ] {
        let (status, body) = sim.call(method, &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(body, json!({ "code": 404, "description": text }), "{path}");
    }
}

#[tokio::test]
async fn unknown_fields_and_wrong_values_are_refused_and_change_nothing() {
    let sim = Sim::new().await;
    let lab = sim.first_lab().await;
    let node = sim.get(&format!("labs/{lab}/nodes")).await[0].as_str().unwrap().to_owned();
    let before = sim.get(&format!("labs/{lab}/topology")).await;
    let long = "x".repeat(65);
    for (method, path, body) in [
        (Method::POST, "labs".to_owned(), json!({ "title": "x", "colour": "red" })),
        (Method::POST, "labs".to_owned(), json!({ "title": long })),
        (Method::PATCH, format!("labs/{lab}"), json!({ "title": "" })),
        (Method::PATCH, format!("labs/{lab}/nodes/{node}"), json!({ "x": 20_000 })),
        (Method::PATCH, format!("labs/{lab}/nodes/{node}"), json!({ "x": "left" })),
        (Method::POST, format!("labs/{lab}/nodes"), json!({ "label": "n" })),
        (Method::POST, format!("labs/{lab}/interfaces"), json!({ "node": node, "slot": 129 })),
        (Method::POST, "licensing/registration".to_owned(), json!({ "token": "t", "why": 1 })),
        (Method::POST, "system/notices".to_owned(), json!({ "level": "LOUD", "label": "x" })),
        (Method::POST, "users".to_owned(), json!({ "username": "admin", "password": "x" })),
    ] {
        let (status, answered) = sim.call(method, &path, Some(body.clone())).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}");
        assert_eq!(answered["code"], 400, "{path} {body}");
    }
    assert_eq!(sim.get(&format!("labs/{lab}/topology")).await, before);
}

#[tokio::test]
async fn the_three_maps_of_states_name_every_element() {
    let sim = Sim::new().await;
    let lab = sim.first_lab().await;
    sim.call(Method::PUT, &format!("labs/{lab}/start"), None).await;
    let topology = sim.get(&format!("labs/{lab}/topology")).await;

    let states = sim.get(&format!("labs/{lab}/lab_element_state")).await;

    let size = |part: &Value| part.as_object().map_or(0, serde_json::Map::len);
    let nodes = topology["nodes"].as_array().unwrap();
    let ports = nodes.iter().map(|node| node["interfaces"].as_array().unwrap().len());
    assert_eq!(size(&states["nodes"]), nodes.len());
    assert_eq!(size(&states["links"]), topology["links"].as_array().unwrap().len());
    assert_eq!(size(&states["interfaces"]), ports.sum::<usize>());
    assert_eq!(sim.get(&format!("labs/{lab}/state")).await, json!("STARTED"));
    assert_eq!(sim.get(&format!("labs/{lab}/check_if_converged")).await, json!(false));
}

#[tokio::test]
async fn a_title_of_the_query_wins_over_that_of_the_file_and_warnings_are_null_or_a_list() {
    let sim = Sim::new().await;
    let token = sim.token(FIRST).await;
    for (definition, warnings) in
        [("alpine", Value::Null), ("martian", json!(["Node definition not found: martian"]))]
    {
        let text = format!(
            r#"{{"lab":{{"title":"File"}},"nodes":[{{"id":"n0","label":"a","node_definition":"{definition}"}}],"links":[]}}"#
        );
        let request = sim.request(Method::POST, &format!("/{FIRST}/api/v0/import?title=Query"));
        let request = request.header("content-type", "application/json").body(text);
        let (status, body) = answer(request.bearer_auth(&token)).await;
        assert_eq!((status, &body["warnings"]), (StatusCode::OK, &warnings));
        let lab = sim.get(&format!("labs/{}", body["id"].as_str().unwrap())).await;
        assert_eq!(lab["lab_title"], "Query");
    }
}

#[tokio::test]
async fn a_controller_of_2_10_tells_more() {
    let (old, new) = (Sim::of("2.9.0").await, Sim::of("2.10.0").await);
    for (sim, has) in [(&old, false), (&new, true)] {
        let lab = sim.first_lab().await;
        let lab = sim.get(&format!("labs/{lab}")).await;
        assert_eq!(lab.get("autostart").is_some(), has);
        let information = sim.get("system_information").await;
        assert_eq!(information.get("features").is_some(), has);
    }
    assert_eq!(old.get("telemetry").await["opt_in"], json!(true));
    assert_eq!(new.get("telemetry").await["opt_in"], json!("accepted"));
}
