//! Who asks. Every handler under `/api/v1` takes it; a handler without it would serve anybody.

use axum::extract::FromRequestParts;
use ccm_domain::Actor;
use http::request::Parts;

use crate::problem::Problem;
use crate::state::AppState;

/// Who asks, with the roles they have at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        state.auth.actor_of(&parts.headers).map(Self)
    }
}
