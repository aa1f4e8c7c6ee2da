//! The id of what a request begins: the same one for each repetition of a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use ccm_domain::OperationId;
use http::request::Parts;

use crate::state::AppState;

/// The id that an operation begun by this request has.
///
/// A repetition under the same `Idempotency-Key` gets the same id, so that a request that was cut in the
/// middle can be repeated without doing anything twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(pub(crate) OperationId);

impl FromRequestParts<AppState> for Ticket {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let reserved = parts.extensions.get::<Self>().copied();
        Ok(reserved.unwrap_or_else(|| Self(state.fleet.new_operation_id())))
    }
}
