//! Bad input of every route: a clear problem that names the field, and nothing changed.

use http::Method;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::examples::World;

async fn refused_everywhere(
    change: impl Fn(
        &crate::examples::Example,
    ) -> Vec<(crate::examples::Example, u16, &'static str, &'static str)>,
) -> usize {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let before = app.everything().await;
    let mut tried = 0;

    for example in world.examples() {
        for (bad, status, code, pointer) in change(&example) {
            let answer = bad.send(&app).await;
            let seen = (answer.status, answer.code());
            assert_eq!(seen, (status, code.to_owned()), "{}: {}", bad.operation, answer.text);
            if !pointer.is_empty() {
                assert_eq!(answer.pointers(), [pointer], "{}: {}", bad.operation, answer.text);
            }
            assert_eq!(app.everything().await, before, "{} changed something", bad.operation);
            tried += 1;
        }
    }
    tried
}

#[tokio::test]
async fn unknown_query_parameters_are_refused() {
    let tried = refused_everywhere(|example| {
        let mut bad = example.clone();
        bad.path.push_str("?limti=5");
        vec![(bad, 400, "invalid_query", "query/limti")]
    })
    .await;

    assert!(tried > 40, "{tried}");
}

#[tokio::test]
async fn unknown_fields_are_refused_by_name() {
    let tried = refused_everywhere(|example| {
        let Some(Value::Object(body)) = &example.body else { return Vec::new() };
        let mut bad = example.clone();
        let mut body = body.clone();
        body.insert("surprise".to_owned(), json!(1));
        bad.body = Some(body.into());
        vec![(bad, 422, "invalid", "/surprise")]
    })
    .await;

    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn values_of_another_type_are_refused_by_name() {
    let tried = refused_everywhere(|example| {
        let Some(Value::Object(body)) = &example.body else { return Vec::new() };
        let wrong = |name: &String| {
            let mut bad = example.clone();
            let mut body = body.clone();
            body.insert(name.clone(), json!(7.5));
            bad.body = Some(body.into());
            (bad, 422, "invalid", "")
        };
        body.keys().map(wrong).collect()
    })
    .await;

    assert!(tried > 15, "{tried}");
}

#[tokio::test]
async fn ids_that_cannot_be_one_are_refused() {
    let tried = refused_everywhere(|example| {
        let mut parts: Vec<&str> = example.path.split('/').collect();
        if parts.len() < 3 || !matches!(parts[1], "workers" | "operations") || parts[2] == "import"
        {
            return Vec::new();
        }
        parts[2] = "not-an-id";
        let mut bad = example.clone();
        bad.path = parts.join("/");
        vec![(bad, 400, "invalid_path", "path/id")]
    })
    .await;

    assert!(tried > 25, "{tried}");
}

#[tokio::test]
async fn ids_of_nothing_are_not_found() {
    let tried = refused_everywhere(|example| {
        let mut parts: Vec<&str> = example.path.split('/').collect();
        if parts.len() < 3
            || matches!(parts[1], "events" | "session" | "system")
            || parts[2] == "import"
        {
            return Vec::new();
        }
        let nothing = if parts[1] == "schedules" {
            "nothing"
        } else {
            "019a0000-0000-7000-8000-000000000000"
        };
        parts[2] = nothing;
        let mut bad = example.clone();
        bad.path = parts.join("/");
        vec![(bad, 404, "not_found", "")]
    })
    .await;

    assert!(tried > 30, "{tried}");
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let before = app.everything().await;

    for example in world.examples().into_iter().filter(|example| example.body.is_some()) {
        let call = |kind: &str, text: &str| {
            let mut bare = example.clone();
            bare.body = None;
            bare.call(&app).body(kind, text.to_owned()).send()
        };
        let broken = call("application/json", "{\"a\":").await;
        assert_eq!(
            (broken.status, broken.code().as_str()),
            (400, "malformed_json"),
            "{}",
            example.operation
        );
        let typed = call("application/xml", "<a/>").await;
        assert_eq!(
            (typed.status, typed.code().as_str()),
            (415, "unsupported_media_type"),
            "{}",
            example.operation
        );
        let large = call("application/json", &" ".repeat((2 << 20) + 1)).await;
        assert_eq!(
            (large.status, large.code().as_str()),
            (413, "body_too_large"),
            "{}",
            example.operation
        );
    }

    assert_eq!(app.everything().await, before);
}

#[tokio::test]
async fn what_must_be_built_on_something_says_so() {
    let tried = refused_everywhere(|example| {
        if example.if_match.is_none() {
            return Vec::new();
        }
        let mut without = example.clone();
        without.if_match = None;
        let mut stale = example.clone();
        stale.if_match = Some(99);
        vec![
            (without, 428, "if_match_required", "header/If-Match"),
            (stale, 412, "spec_changed", ""),
        ]
    })
    .await;

    assert!(tried >= 10, "{tried}");
}

#[tokio::test]
async fn other_methods_and_addresses_are_problems_too() {
    let app = TestApp::new();

    let method = app.call(Method::DELETE, "/settings").send().await;
    method.refused(405, "method_not_allowed");
    assert_eq!(method.header("allow"), "GET,HEAD,PUT");
    app.get("/nothing").await.refused(404, "no_such_route");
    app.raw(Method::GET, "/api/v2/workers").send().await.refused(404, "no_such_route");
    app.raw(Method::POST, "/").send().await.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn fields_out_of_bounds_are_all_named_at_once() {
    let app = TestApp::new();
    let before = app.everything().await;

    let body = json!({
        "name": " ", "region": "eu-central-1", "tags": {"aws:x": "1", "Name": "n"}, "idle": {"timeout_s": 1},
    });
    let answer = app.post("/workers", body).await;

    answer.refused(422, "invalid");
    let mut pointers = answer.pointers();
    pointers.sort();
    assert_eq!(
        pointers,
        ["/ami", "/idle/timeout_s", "/instance_type", "/name", "/tags/Name", "/tags/aws:x"]
    );
    assert_eq!(app.everything().await, before);
}
