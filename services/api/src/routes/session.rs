//! Who is signed in.

use axum::extract::State;

use crate::dto::session::Session;
use crate::dto::worker_requests::Nothing;
use crate::extract::{Caller, Json};
use crate::problem::Problem;
use crate::state::AppState;

/// Show who is signed in
///
/// With all that they may do.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, description = "Who asks.", body = Session)))]
pub(crate) async fn show_session(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<axum::Json<Session>, Problem> {
    Ok(axum::Json(Session::of(&actor, state.auth.mode())))
}

/// Keep the session
///
/// Moves its end; in dev mode it has none.
#[utoipa::path(post, path = "/session/extend", tag = "session", request_body = Nothing,
    responses((status = 200, description = "The session as it is since.", body = Session)))]
pub(crate) async fn extend_session(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Session>, Problem> {
    Ok(axum::Json(Session::of(&actor, state.auth.mode())))
}
