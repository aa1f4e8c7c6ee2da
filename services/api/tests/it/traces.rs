//! A request's trace: taken from the caller, named in the answer, carried by what is committed.

use serde_json::{Value, json};

use crate::app::TestApp;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn given() -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-01")
}

fn trace_of(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn what_a_request_commits_is_of_the_callers_trace() {
    let app = TestApp::new();
    let worker = app.stopped().await;
    let before = pending(&app).await.len();

    let path = format!("/workers/{}/start", worker.id);
    let call = app.call(http::Method::POST, &path).header("traceparent", given());
    let answer = call.json(json!({})).send().await;

    answer.expect(202);
    let named = answer.header("traceresponse").to_owned();
    assert_eq!(trace_of(&named), TRACE);
    let told = pending(&app).await.split_off(before);
    assert!(!told.is_empty());
    // All of it was caused by the request, of whose span the answer tells.
    assert!(told.iter().all(|traceparent| *traceparent == named), "{told:?} {named}");
    let stored = app.fleet.stores.workers.get(&worker.id.to_string()).await.unwrap();
    assert_eq!(stored.operations[0].traceparent.as_deref(), Some(named.as_str()));
    // Where the trace goes on inside is nobody's business.
    let shown = app.get(&format!("/workers/{}", worker.id)).await.expect(200);
    assert_eq!(shown["operation"].get("traceparent"), None::<&Value>);
}

#[tokio::test]
async fn a_request_without_a_trace_that_can_be_read_begins_one() {
    let app = TestApp::new();
    let get = |headers: &[&str]| {
        let call = app.call(http::Method::GET, "/session");
        headers.iter().fold(call, |call, value| call.header("traceparent", *value)).send()
    };
    let mut seen = Vec::new();

    for headers in [&[][..], &["nonsense"], &[&given()[1..]], &[&given(), &given()]] {
        let answer = get(headers).await;
        answer.expect(200);
        seen.push(trace_of(answer.header("traceresponse")).to_owned());
    }

    assert!(seen.iter().all(|trace| trace.len() == 32 && trace != TRACE), "{seen:?}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

/// Returns the trace context of every change that waits to be told.
async fn pending(app: &TestApp) -> Vec<String> {
    let pending = app.fleet.stores.outbox.pending(1_000).await.unwrap();
    let changes = pending.into_iter().flat_map(|pending| pending.changes);
    changes.map(|change| change.traceparent.unwrap_or_default()).collect()
}
