use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use ccm_telemetry::{LogFilter, Metrics};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{Routes, router};
use crate::Ready;

struct Port {
    ready: Ready,
    metrics: Metrics,
    added: Routes,
    router: Router,
}

impl Port {
    fn new() -> Self {
        let (ready, added) = (Ready::new(), Routes::default());
        let metrics = Metrics::new("test").unwrap();
        let router =
            router(ready.clone(), metrics.clone(), LogFilter::for_testing(), added.clone());
        Self { ready, metrics, added, router }
    }

    async fn call(&self, method: Method, path: &str, body: &'static str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.call(Method::GET, path, "").await
    }
}

#[tokio::test]
async fn liveness_does_not_look_at_dependencies() {
    let port = Port::new();
    let _store = port.ready.latch("store");

    assert_eq!(port.get("/livez").await.0, StatusCode::OK);
    assert_eq!(port.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn readiness_names_the_part_that_is_away() {
    let port = Port::new();
    let store = port.ready.latch("store");
    port.ready.probe("bus", || async { Err("no answer for 3 s".to_owned()) });
    store.open();

    let (status, body) = port.get("/readyz").await;

    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        body,
        r#"{"ready":false,"leaving":false,"parts":{"bus":"no answer for 3 s","store":"ok"}}"#
    );
}

#[tokio::test]
async fn an_advisory_part_is_shown_but_does_not_make_the_process_unready() {
    let port = Port::new();
    port.ready.advisory("redis").close("cut off");

    let (status, body) = port.get("/readyz").await;

    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("cut off"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_counts_as_failed() {
    let port = Port::new();
    port.ready.probe("bus", std::future::pending::<Result<(), String>>);

    assert_eq!(port.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_process_that_leaves_is_not_ready_whatever_its_parts_say() {
    let port = Port::new();
    port.ready.latch("store").open();
    assert_eq!(port.get("/readyz").await.0, StatusCode::OK);

    port.ready.leave();

    assert_eq!(port.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn metrics_are_rendered_for_prometheus() {
    let port = Port::new();
    port.metrics.meter("x").u64_counter("ccm_seen_total").build().add(1, &[]);

    let (status, body) = port.get("/metrics").await;

    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("\nccm_seen_total 1\n"), "{body}");
}

#[tokio::test]
async fn the_log_filter_is_read_and_changed() {
    let port = Port::new();
    assert_eq!(port.get("/log-filter").await.1, "warn\n");

    let (status, _) = port.call(Method::PUT, "/log-filter", "info,ccm_store=debug\n").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, body) = port.call(Method::PUT, "/log-filter", "ccm=loud").await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("ccm=loud"), "{body}");
    let filter = port.get("/log-filter").await.1;
    assert!(filter.contains("ccm_store=debug") && filter.contains("info"), "{filter}");
}

#[tokio::test]
async fn the_build_says_its_version() {
    let (status, body) = Port::new().get("/build").await;

    assert_eq!(status, StatusCode::OK);
    assert!(body.contains(r#""version":"0.0.0""#), "{body}");
}

#[tokio::test]
async fn a_service_adds_routes_while_the_port_already_answers() {
    let port = Port::new();
    assert_eq!(port.get("/jobs").await.0, StatusCode::NOT_FOUND);

    port.added.add(Router::new().route("/jobs", get(|| async { "none" })));
    port.added.add(Router::new().route("/streams", get(|| async { "two" })));

    assert_eq!(port.get("/jobs").await, (StatusCode::OK, "none".to_owned()));
    assert_eq!(port.get("/streams").await, (StatusCode::OK, "two".to_owned()));
}
