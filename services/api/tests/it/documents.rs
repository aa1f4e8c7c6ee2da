//! What is committed is what the code makes, and what is described is what is sent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ccm_api::dto;
use ccm_domain::cml::LabState;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::examples::World;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a committed file with what it is made from; `CCM_BLESS=1` writes it.
#[expect(clippy::disallowed_methods, reason = "asks the person at the keyboard, not configuration")]
fn compare(path: &str, made: &str) {
    let path = root().join(path);
    if std::env::var("CCM_BLESS").is_ok() {
        std::fs::write(&path, made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{} is not up to date: run with CCM_BLESS=1 and commit it",
        path.display()
    );
}

#[test]
fn the_committed_openapi_document_is_the_one_that_is_served() {
    compare("services/api/openapi.json", &ccm_api::openapi::document());
}

#[test]
fn the_list_of_problem_codes_is_up_to_date() {
    compare("docs/ERRORS.md", &ccm_api::problem::catalog::document());
}

#[test]
fn every_rule_of_the_domain_has_its_code_in_the_catalog() {
    let mut codes = BTreeSet::new();
    for folder in ["shared/domain/src", "shared/app/src"] {
        codes_in(&root().join(folder), &mut codes);
    }
    assert!(codes.len() > 8, "{codes:?}");

    let unknown: Vec<_> =
        codes.iter().filter(|code| ccm_api::problem::catalog::find(code).is_none()).collect();

    assert!(unknown.is_empty(), "not in services/api/src/problem/catalog.rs: {unknown:?}");
}

/// Collects the first argument of `not_possible` and `refuse` from the sources.
fn codes_in(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            codes_in(&path, codes);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("error.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in ["not_possible(", "refuse("] {
                for rest in text.split(call).skip(1) {
                    let quoted =
                        rest.trim_start().strip_prefix('"').and_then(|r| r.split('"').next());
                    codes.extend(quoted.map(str::to_owned));
                }
            }
        }
    }
}

#[test]
fn codes_of_the_catalog_are_told_once_and_sorted() {
    let keys: Vec<_> =
        ccm_api::problem::catalog::CATALOG.iter().map(|entry| (entry.status, entry.code)).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(keys, sorted);
}

/// Insists that a described type holds exactly what is sent.
fn described<T: Serialize + DeserializeOwned>(sent: &Value, what: &str) {
    let read: T =
        serde_json::from_value(sent.clone()).unwrap_or_else(|e| panic!("{what}: {e}\n{sent:#}"));
    assert_eq!(&serde_json::to_value(read).unwrap(), sent, "{what}");
}

#[tokio::test]
async fn views_are_what_the_document_says() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let worker = format!("/workers/{}", world.running.id);
    app.post(&format!("{worker}/labs/lab-down/start"), json!({})).await.expect(202);
    app.post(&format!("{worker}/license/register"), json!({"token": "T"})).await.expect(202);
    app.post(&format!("{worker}/stop"), json!({})).await.expect(202);

    for path in [worker.clone(), format!("/workers/{}", world.stopped.id)] {
        described::<dto::worker::Worker>(&app.get(&path).await.expect(200), &path);
    }
    for lab in ["lab-down", "lab-up"] {
        let path = format!("{worker}/labs/{lab}");
        described::<dto::lab::Lab>(&app.get(&path).await.expect(200), &path);
    }
    let license = app.get(&format!("{worker}/license")).await.expect(200);
    described::<dto::license::License>(&license, "license");
    let idle = app.get(&format!("{worker}/idle")).await.expect(200);
    described::<dto::worker_parts::IdleVerdict>(&idle, "idle");
    let problem = app.get("/nothing").await.json();
    described::<ccm_api::problem::ProblemBody>(&problem, "problem");
}

#[tokio::test]
async fn a_full_view_is_what_the_document_says_too() {
    let app = TestApp::new();
    let worker = app.full_worker().await;
    app.lab(worker.id, "a", LabState::Started).await;

    let shown = app.get(&format!("/workers/{}", worker.id)).await.expect(200);

    for part in ["drift", "idle", "operation", "seen_at", "instance_id"] {
        assert!(!shown[part].is_null(), "{part} is not in the example");
    }
    assert!(!shown["activity"]["recent"].as_array().unwrap().is_empty());
    assert!(!shown["license"]["features"].as_array().unwrap().is_empty());
    assert!(!shown["power"]["paused"].is_null());
    described::<dto::worker::Worker>(&shown, "worker");
}

/// Checks a value against a schema as far as fields, required ones and `null` go.
fn fits(value: &Value, schema: &Value, document: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return fits(value, &document["components"]["schemas"][name], document, at);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(options) = schema[word].as_array() {
            let fitting = options.iter().any(|option| fits(value, option, document, at).is_ok());
            return if fitting {
                Ok(())
            } else {
                Err(format!("{at}: none of {word} fits {value}"))
            };
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fits(value, part, document, at)?;
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind)) {
        return Err(format!("{at}: {value} is not {types:?}"));
    }
    for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(item, &schema["items"], document, &format!("{at}/{nth}"))?;
    }
    let Some(fields) = value.as_object() else { return Ok(()) };
    let Some(known) = schema["properties"].as_object() else { return Ok(()) };
    for required in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(required.as_str().unwrap()) {
            return Err(format!("{at}: {required} is missing"));
        }
    }
    for (name, field) in fields {
        let schema = known.get(name).ok_or_else(|| format!("{at}: {name} is not described"))?;
        fits(field, schema, document, &format!("{at}/{name}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn every_answer_fits_its_schema() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let served = app.raw(http::Method::GET, "/api/openapi.json").send().await.json();
    assert_eq!(served["openapi"], "3.1.0");

    for example in world.examples() {
        let answer = if example.method == http::Method::GET {
            example.send(&app).await
        } else {
            let app = TestApp::new();
            World::new(&app).await.example(example.operation).send(&app).await
        };
        let operation = operation_of(&served, example.operation);
        let responses = &operation["responses"];
        let by_status = &responses[answer.status.to_string()];
        let response = if by_status.is_null() { &responses["default"] } else { by_status };
        let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
        let content = &response["content"];
        if answer.text.is_empty() {
            assert!(content.is_null(), "{}", example.operation);
        } else if kind.ends_with("json") {
            let schema = &content[&kind]["schema"];
            assert!(
                !schema.is_null(),
                "{} answers {} as {kind}, not described",
                example.operation,
                answer.status
            );
            fits(&answer.json(), schema, &served, "")
                .unwrap_or_else(|e| panic!("{}: {e}", example.operation));
        } else {
            assert!(content[&kind].is_object(), "{}: {kind}", example.operation);
        }
    }
}

fn operation_of<'a>(document: &'a Value, id: &str) -> &'a Value {
    let items = document["paths"].as_object().unwrap().values();
    let mut operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations.find(|operation| operation["operationId"] == id).unwrap()
}
