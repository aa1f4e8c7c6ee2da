//! The second port: `/livez /readyz /metrics /build /log-filter`, and what the service adds.
//!
//! It answers from before the first dependency is connected until the last task has ended.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ccm_telemetry::{LogFilter, Metrics};
use tower::ServiceExt;

use crate::Ready;
use crate::build::BUILD;

#[cfg(test)]
mod tests;

/// Content type of the Prometheus text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Routes that a service adds while the port already answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(Arc<RwLock<Router>>);

impl Routes {
    pub(crate) fn add(&self, routes: Router) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *all = std::mem::take(&mut *all).merge(routes);
    }

    async fn answer(self, request: Request) -> Response {
        let router = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

#[derive(Clone)]
struct Parts {
    ready: Ready,
    metrics: Metrics,
    log_filter: LogFilter,
}

/// Returns the routes of the admin port.
pub(crate) fn router(
    ready: Ready,
    metrics: Metrics,
    log_filter: LogFilter,
    added: Routes,
) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render_metrics))
        .route("/build", get(|| async { Json(BUILD) }))
        .route("/log-filter", get(show_filter).put(change_filter))
        .with_state(Parts { ready, metrics, log_filter })
        .fallback(move |request: Request| added.answer(request))
}

async fn readyz(State(parts): State<Parts>) -> Response {
    let readiness = parts.ready.check().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

async fn render_metrics(State(parts): State<Parts>) -> Response {
    match parts.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(err) => failed(StatusCode::INTERNAL_SERVER_ERROR, &err),
    }
}

async fn show_filter(State(parts): State<Parts>) -> Response {
    match parts.log_filter.get() {
        Ok(filter) => format!("{filter}\n").into_response(),
        Err(err) => failed(StatusCode::INTERNAL_SERVER_ERROR, &err),
    }
}

async fn change_filter(State(parts): State<Parts>, directives: String) -> Response {
    let directives = directives.trim();
    match parts.log_filter.set(directives) {
        Ok(()) => {
            tracing::info!("log filter changed to {directives}");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(err) => failed(StatusCode::BAD_REQUEST, &err),
    }
}

fn failed(status: StatusCode, err: &anyhow::Error) -> Response {
    (status, format!("{err:#}\n")).into_response()
}
