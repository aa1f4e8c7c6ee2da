//! Keeps the pages of others out.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::AppState;

/// Refuses requests that a foreign page may have sent.
pub(crate) async fn only_ours(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    match state.auth.must_be_ours(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
