//! Who asks. Every handler under `/api/v1` takes it; a handler without it would serve anybody.

use axum::extract::FromRequestParts;
use ccm_domain::Actor;
use http::request::Parts;

use crate::auth::Known;
use crate::problem::Problem;
use crate::state::AppState;

/// Who asks, with the roles they have at this moment.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        state.auth.known(&parts.headers).await.map(|known| Self(known.actor))
    }
}

/// Who asks, with when that ends.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(pub(crate) Known);

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        state.auth.known(&parts.headers).await.map(Self)
    }
}
