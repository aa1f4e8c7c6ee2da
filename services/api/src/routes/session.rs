//! Who is signed in.

use axum::extract::State;

use crate::dto::session::Session;
use crate::dto::worker_requests::Nothing;
use crate::extract::{Json, Visitor};
use crate::problem::Problem;
use crate::state::AppState;

/// Show who is signed in
///
/// With all that they may do.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, description = "Who asks.", body = Session)))]
pub(crate) async fn show_session(
    State(state): State<AppState>,
    Visitor(known): Visitor,
) -> Result<axum::Json<Session>, Problem> {
    Ok(axum::Json(Session::of(&known.actor, state.auth.mode(), known.until)))
}

/// Keep the session
///
/// Moves its end to 8 hours from now, at most to 24 hours after the login. A token keeps its end; in dev mode there
/// is none.
#[utoipa::path(post, path = "/session/extend", tag = "session", request_body = Nothing,
    responses((status = 200, description = "The session as it is since.", body = Session)))]
pub(crate) async fn extend_session(
    State(state): State<AppState>,
    Visitor(known): Visitor,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Session>, Problem> {
    let known = state.auth.stay(known).await?;
    Ok(axum::Json(Session::of(&known.actor, state.auth.mode(), known.until)))
}
