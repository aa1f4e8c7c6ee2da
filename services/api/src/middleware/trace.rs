//! One span a request, with OpenTelemetry's names: what the request leads to is of its trace.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use ccm_telemetry::{SpanKind, Tracer, propagate};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::measure;

const CALLERS: HeaderName = HeaderName::from_static(propagate::TRACEPARENT);
const OURS: HeaderName = HeaderName::from_static(propagate::TRACERESPONSE);

/// Traces a request until the head of its answer, which names the trace.
pub(crate) async fn trace(State(tracer): State<Tracer>, request: Request, next: Next) -> Response {
    let method = measure::known(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let name = route.as_ref().map_or_else(|| method.to_owned(), |path| format!("{method} {path}"));
    let mut span = tracer
        .span(name)
        .kind(SpanKind::Server)
        .under(only(request.headers()))
        .with("http.request.method", method);
    if let Some(route) = route {
        span = span.with("http.route", route);
    }
    let span = span.start();
    let mut response = span.cover(next.run(request)).await;
    let status = response.status();
    span.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail("server_error");
    }
    if let Ok(value) = HeaderValue::from_str(&span.traceparent()) {
        response.headers_mut().insert(OURS, value);
    }
    response
}

/// Returns the caller's trace; two of them are none.
fn only(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(CALLERS).iter();
    let first = given.next()?;
    given.next().is_none().then(|| first.to_str().ok()).flatten()
}
