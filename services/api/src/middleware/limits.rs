//! Bounds: requests at once, time per request, and what happens when a handler panics.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::middleware::request_id;
use crate::problem::Problem;

/// Requests carried out at once; each may hold a body of [`crate::extract::MOST_BODY`] bytes. More are
/// turned away at once, which is kinder than a queue that nobody waits for.
pub(crate) const MOST_AT_ONCE: usize = 256;

/// The longest that a request may take. The store gives up earlier.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Turns requests away while too many are under way.
pub(crate) async fn shed(
    State(room): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_seat) = room.try_acquire() else {
        return Problem::new("overloaded", "too many requests at once; nothing was done")
            .retry_after(Duration::from_secs(1))
            .into_response();
    };
    next.run(request).await
}

/// Ends requests that take too long.
pub(crate) async fn deadline(request: Request, next: Next) -> Response {
    tokio::time::timeout(LONGEST, next.run(request)).await.unwrap_or_else(|_| {
        let id = request_id::current();
        tracing::warn!(request.id = id, "request {id} took longer than {} s", LONGEST.as_secs());
        Problem::new("timed_out", "it took too long; a change may still take effect")
            .retry_after(Duration::from_secs(2))
            .into_response()
    })
}

/// Turns a panic into a problem. The panic itself is logged where panics are.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new("internal", "the request could not be carried out; its id leads to the reason")
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_end_is_ended() {
        let router: Router =
            Router::new().route("/", get(std::future::pending::<()>)).layer(from_fn(deadline));
        let begun = tokio::time::Instant::now();

        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();

        assert_eq!((response.status().as_u16(), begun.elapsed()), (503, LONGEST));
        assert_eq!(response.headers()["retry-after"], "2");
    }
}
