//! Lists: filters, order, pages.

use std::collections::BTreeSet;

use ccm_domain::InstanceState;
use serde_json::Value;

use crate::app::TestApp;

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|worker| worker["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_hold_every_worker_once_in_each_order() {
    let app = TestApp::new();
    for number in 0..7 {
        app.worker(number, InstanceState::Running).await;
    }
    for sort in ["id", "name", "-name", "region", "-state", "created_at", "-updated_at"] {
        let mut seen = Vec::new();
        let mut path = format!("/workers?limit=3&sort={sort}");
        loop {
            let page = app.get(&path).await.expect(200);
            assert!(page["items"].as_array().unwrap().len() <= 3);
            seen.extend(names(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/workers?limit=3&sort={sort}&cursor={cursor}");
        }
        assert_eq!(seen.len(), 7, "{sort}: {seen:?}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7, "{sort}: {seen:?}");
        if sort == "-name" {
            assert_eq!(seen, ["cml-6", "cml-5", "cml-4", "cml-3", "cml-2", "cml-1", "cml-0"]);
        }
    }
}

#[tokio::test]
async fn workers_are_found_by_state_region_and_text() {
    let app = TestApp::new();
    app.worker(1, InstanceState::Running).await;
    app.worker(2, InstanceState::Stopped).await;
    app.worker(3, InstanceState::Pending).await;
    for (query, expected) in [
        ("", vec!["cml-1", "cml-2", "cml-3"]),
        ("state=running", vec!["cml-1"]),
        ("state=running,stopped", vec!["cml-1", "cml-2"]),
        ("region=eu-central-1", vec!["cml-1", "cml-2", "cml-3"]),
        ("region=us-east-1", vec![]),
        ("q=CML-2", vec!["cml-2"]),
        ("q=i-00000000000000003", vec!["cml-3"]),
        ("q=nothing", vec![]),
        ("state=stopped&q=cml-1", vec![]),
    ] {
        let page = app.get(&format!("/workers?{query}")).await.expect(200);
        assert_eq!(names(&page), expected, "{query}");
    }
}

#[tokio::test]
async fn wrong_parameters_of_lists_are_refused_by_name() {
    let app = TestApp::new();
    for (path, pointer) in [
        ("/workers?limit=0", "query/limit"),
        ("/workers?limit=1001", "query/limit"),
        ("/workers?limit=many", "query/limit"),
        ("/workers?cursor=x", "query/cursor"),
        ("/workers?cursor=name.YQ", "query/cursor"),
        ("/workers?sort=color", "query/sort"),
        ("/workers?state=asleep", "query/state"),
        ("/workers?region=somewhere%20else", "query/region"),
        ("/workers?include_terminated=maybe", "query/include_terminated"),
        ("/workers?limit=1&limit=2", "query/limit"),
        ("/labs?sort=name", "query/sort"),
        ("/runs?worker=abc", "query/worker"),
        ("/runs?state=asleep", "query/state"),
        ("/operations?state=asleep", "query/state"),
        ("/operations?worker=abc", "query/worker"),
        ("/schedules?limit=-1", "query/limit"),
    ] {
        let answer = app.get(path).await;
        answer.refused(400, "invalid_query");
        assert_eq!(answer.pointers(), [pointer], "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_list_larger_than_the_limit_of_the_store_is_read_to_its_end() {
    let app = TestApp::new();
    for number in 0..12 {
        app.worker(number, InstanceState::Running).await;
    }

    let page = app.get("/workers?limit=1000").await.expect(200);

    assert_eq!(page["items"].as_array().unwrap().len(), 12);
    assert_eq!(page["next_cursor"], Value::Null);
}
