//! Each request has an id: the caller's, or one of ours. It stands in problems, logs and the answer.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use ccm_telemetry::propagate;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: String;
}

/// Returns the id of the request under way; empty outside of one.
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Gives the request its id and writes one log line about its answer.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let id = accepted(request.headers()).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let trace_id = propagate::current_trace();
    let span = tracing::info_span!(
        "request", request.id = id, trace_id, http.method = %method, http.route = route
    );
    let begun = std::time::Instant::now();
    let mut response = CURRENT.scope(id.clone(), next.run(request)).instrument(span).await;
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        request.id = id,
        trace_id,
        http.status = response.status().as_u16(),
        duration_ms = millis,
        "{method} {} answered {}",
        route.as_deref().unwrap_or("(no route)"),
        response.status().as_u16()
    );
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn accepted(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let fits = (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fits.then(|| text.to_owned())
}
