//! The system page, the session, and what is served beside the API.

use std::time::Duration;

use ccm_ports::{Clock as _, LeaseRole, Process, Writer};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::TestApp;

#[tokio::test]
async fn the_system_shows_parts_leaders_and_the_log() {
    let app = TestApp::new();
    app.running().await;
    let leases = &app.stores().leases;
    let epoch = leases.take(LeaseRole::Scheduler, None, "scheduler-1").await.unwrap();
    leases.renew(LeaseRole::Scheduler, epoch).await.unwrap();

    let system = app.get("/system").await.expect(200);

    assert_eq!(system["process"], "api-test");
    let store = json!({"name": "store", "healthy": true, "detail": null});
    assert!(system["parts"].as_array().unwrap().contains(&store), "{system}");
    let leader =
        json!({"role": "scheduler", "holder": "scheduler-1", "epoch": epoch.0, "renewals": 1});
    assert_eq!(system["leaders"][0], leader);
    assert_eq!(system["leaders"][1]["holder"], Value::Null);
    assert_eq!(system["events"]["head"], 0);
    assert!(system["events"]["backlog"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn the_system_shows_every_process_and_which_was_lost() {
    let app = TestApp::new();
    let now = app.clock.now();
    let mut process = Process {
        streams: None,
        id: Uuid::now_v7(),
        rev: 1,
        name: "relay-a".to_owned(),
        roles: vec!["relay".to_owned()],
        version: "1.2.3".to_owned(),
        commit: "abc".to_owned(),
        started_at: now,
        seen_at: now,
        parts: [("bus".to_owned(), "no answer".to_owned())].into(),
    };
    app.stores().processes.insert(&process, &[], Writer::Intent).await.unwrap();
    app.clock.advance(Duration::from_secs(30));
    (process.id, process.name, process.seen_at) =
        (Uuid::now_v7(), "api-b".to_owned(), app.clock.now());
    app.stores().processes.insert(&process, &[], Writer::Intent).await.unwrap();

    let system = app.get("/system").await.expect(200);

    let seen = system["processes"].as_array().unwrap();
    let states: Vec<_> = seen.iter().map(|p| (&p["name"], &p["state"])).collect();
    assert_eq!(states, [(&json!("api-b"), &json!("present")), (&json!("relay-a"), &json!("lost"))]);
    let part = json!([{"name": "bus", "healthy": false, "detail": "no answer"}]);
    assert_eq!((&seen[1]["parts"], &seen[1]["roles"]), (&part, &json!(["relay"])));
}

#[tokio::test]
async fn a_schedule_that_nobody_claims_is_late() {
    let app = TestApp::new();
    app.schedule("observe_instances").await;
    assert_eq!(app.get("/system").await.expect(200)["late_schedules"], json!([]));

    app.clock.advance(Duration::from_secs(61));

    let system = app.get("/system").await.expect(200);
    assert_eq!(system["late_schedules"], json!(["observe_instances"]));
}

#[tokio::test]
async fn the_session_tells_who_asks_and_what_they_may() {
    let app = TestApp::new();

    let session = app.call(Method::GET, "/session").role("operator").header("x-ccm-user", "ada");
    let session = session.send().await.expect(200);

    assert_eq!(session["user"], json!({"name": "ada", "kind": "person"}));
    assert_eq!((&session["role"], &session["mode"]), (&json!("operator"), &json!("dev")));
    let may = session["permissions"].as_array().unwrap();
    assert!(may.contains(&json!("control_power")) && !may.contains(&json!("create_workers")));
}

#[tokio::test]
async fn the_page_about_the_api_needs_nothing_from_elsewhere() {
    let app = TestApp::new();

    let page = app.raw(Method::GET, "/api/docs").send().await;

    assert_eq!(page.status, 200);
    assert!(page.text.contains("/workers/{id}/start"));
    assert!(
        !page.text.contains("<script")
            && !page.text.contains("http://")
            && !page.text.contains("https://cdn")
    );
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_a_page_about_it() {
    let app = TestApp::new();
    let problem = app.get("/workers/019a0000-0000-7000-8000-000000000000").await.json();

    let page = app.raw(Method::GET, problem["type"].as_str().unwrap()).send().await;

    assert_eq!(page.status, 200);
    assert!(page.text.contains("not_found"));
    app.raw(Method::GET, "/problems/nonsense").send().await.refused(404, "not_found");
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_headers_that_browsers_need() {
    let app = TestApp::new();
    for path in ["/api/v1/workers", "/api/v1/nothing", "/api/docs", "/", "/workers/1"] {
        let answer = app.raw(Method::GET, path).send().await;
        for name in
            ["x-request-id", "content-security-policy", "x-frame-options", "referrer-policy"]
        {
            assert!(!answer.header(name).is_empty(), "{path} has no {name}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    let api = app.get("/workers").await;
    assert_eq!(api.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_callers_request_id_is_used_when_it_is_one() {
    let app = TestApp::new();
    let with = |id: &str| app.call(Method::GET, "/nothing").header("x-request-id", id).send();

    let taken = with("trace-1.a_b").await;
    let replaced = with("a b").await;

    assert_eq!(taken.header("x-request-id"), "trace-1.a_b");
    assert_eq!(taken.json()["request_id"], "trace-1.a_b");
    assert_ne!(replaced.header("x-request-id"), "a b");
    assert_eq!(replaced.json()["request_id"], replaced.header("x-request-id"));
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_takes_it() {
    let app = TestApp::new();

    let plain = app.raw(Method::GET, "/api/openapi.json").send().await;

    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.header("vary").contains("accept-encoding"));
    let call = app.raw(Method::GET, "/api/openapi.json").header("accept-encoding", "gzip");
    let (headers, bytes) = call.bytes().await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(bytes.len() * 4 < plain.text.len(), "{} of {}", bytes.len(), plain.text.len());
}

#[tokio::test]
async fn requests_are_measured_by_route_and_not_by_address() {
    let app = TestApp::new();
    let worker = app.running().await;
    app.get(&format!("/workers/{}", worker.id)).await.expect(200);
    app.get("/nothing/4711").await.refused(404, "no_such_route");
    let invented = Method::from_bytes(b"BREW").unwrap();
    app.call(invented, "/workers").send().await.refused(405, "method_not_allowed");

    let metrics = app.shell.metrics.render().unwrap();

    let counted = |line: &str| {
        metrics.lines().any(|l| l.starts_with("ccm_http_request_seconds_count") && l.contains(line))
    };
    assert!(counted("route=\"/api/v1/workers/{id}\""), "{metrics}");
    assert!(counted("method=\"other\"") && counted("route=\"none\""), "{metrics}");
    assert!(!metrics.contains(&worker.id.to_string()) && !metrics.contains("4711"), "{metrics}");
}
