//! Who may do what: every operation of the document, every role.

use std::collections::BTreeMap;

use ccm_domain::{Permission, Role};
use http::Method;
use serde_json::Value;

use crate::app::TestApp;
use crate::examples::World;

/// What the document promises: operation id, permission.
fn promises() -> Vec<(String, Permission)> {
    let document: Value = serde_json::from_str(&ccm_api::openapi::document()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations
        .filter(|operation| operation["operationId"].is_string())
        // Those have no caller but a sender, see `inbound`.
        .filter(|operation| operation["x-caller"].is_null())
        .map(|operation| {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let word = operation["x-permission"].as_str();
            let word = word.unwrap_or_else(|| panic!("{id} does not say what it needs"));
            let permission = Permission::ALL.into_iter().find(|p| p.as_str() == word).unwrap();
            (id, permission)
        })
        .collect()
}

#[tokio::test]
async fn every_operation_has_an_example() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let mut shown: Vec<_> = world.examples().iter().map(|e| e.operation.to_owned()).collect();
    let mut promised: Vec<String> = promises().into_iter().map(|(id, _)| id).collect();
    shown.sort();
    promised.sort();

    assert_eq!(shown, promised);
}

#[tokio::test]
async fn each_role_may_do_exactly_what_the_document_promises() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let promises: BTreeMap<String, Permission> = promises().into_iter().collect();
    for example in world.examples() {
        let (operation, permission) = (example.operation, promises[example.operation]);
        for role in Role::ALL {
            if !role.may(permission) {
                let before = app.everything().await;
                let answer = example.call(&app).role(role.as_str()).send().await;
                assert_eq!(answer.status, 403, "{operation} as {role}: {}", answer.text);
                assert_eq!(answer.code(), "forbidden", "{operation} as {role}");
                assert_eq!(
                    app.everything().await,
                    before,
                    "{operation} as {role} changed something"
                );
                continue;
            }
            let answer = if example.method == Method::GET {
                example.call(&app).role(role.as_str()).send().await
            } else {
                let app = TestApp::new();
                let example = World::new(&app).await.example(operation);
                example.call(&app).role(role.as_str()).send().await
            };
            assert_eq!(answer.status, example.status, "{operation} as {role}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn nobody_gets_nothing_anywhere() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let before = app.everything().await;

    for example in world.examples() {
        for (name, value) in
            [("x-ccm-role", "root"), ("x-ccm-user", "a b"), ("cookie", "ccm_dev_role=x")]
        {
            let answer = example.call(&app).header(name, value).send().await;
            assert_eq!(answer.status, 401, "{} with {name}: {value}", example.operation);
            assert_eq!(answer.code(), "unauthenticated", "{}", example.operation);
        }
    }

    assert_eq!(app.everything().await, before);
}

#[tokio::test]
async fn a_foreign_page_changes_nothing() {
    let app = TestApp::new();
    let world = World::new(&app).await;
    let before = app.everything().await;

    for example in world.examples() {
        let rebound = example.call(&app).header("host", "evil.example").send().await;
        assert_eq!(rebound.code(), "foreign_host", "{}", example.operation);
        if example.method != Method::GET {
            let crossed = example.call(&app).header("origin", "https://evil.example").send().await;
            assert_eq!(crossed.code(), "foreign_origin", "{}", example.operation);
        }
    }

    assert_eq!(app.everything().await, before);
}
