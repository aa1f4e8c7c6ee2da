//! How long requests take, by route.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use ccm_telemetry::{KeyValue, Meter};
use http::Method;
use opentelemetry::metrics::Histogram;

/// The instrument of requests. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    seconds: Histogram<f64>,
}

impl Requests {
    /// Makes the instrument.
    pub(crate) fn new(meter: &Meter) -> Self {
        let seconds = meter
            .f64_histogram("ccm_http_request_seconds")
            .with_description("Time until the head of the answer, by route, method and status")
            .build();
        Self { seconds }
    }
}

/// Measures a request.
pub(crate) async fn measure(
    State(requests): State<Requests>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = known(request.method());
    let begun = std::time::Instant::now();
    let response = next.run(request).await;
    let labels = [
        KeyValue::new("route", route.unwrap_or_else(|| "none".to_owned())),
        KeyValue::new("method", method),
        KeyValue::new("status", i64::from(response.status().as_u16())),
    ];
    requests.seconds.record(begun.elapsed().as_secs_f64(), &labels);
    response
}

/// Anybody may invent methods; labels are a closed set.
pub(crate) fn known(method: &Method) -> &'static str {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
        .iter()
        .zip(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .find_map(|(one, word)| (one == method).then_some(word))
        .unwrap_or("other")
}
