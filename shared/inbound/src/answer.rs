//! What senders are told when nothing is wrong.

use axum::Json;
use axum::response::{IntoResponse, Response};
use ccm_app::Outcome;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Who wants to send (CloudEvents webhook specification, 4.1).
pub(crate) const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// What became of the events of a request: 202 when one of them was new, else 204.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Events that were new.
    pub accepted: usize,
    /// Events that came before.
    pub known: usize,
}

/// The answer to a sender that asks first. Consent is in its headers, never in its status.
#[derive(Clone, Debug)]
pub struct Consent(HeaderMap);

impl Taken {
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let known = outcomes.iter().filter(|outcome| **outcome == Outcome::Known).count();
        Self { accepted: outcomes.len() - known, known }
    }
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        if self.accepted == 0 {
            return StatusCode::NO_CONTENT.into_response();
        }
        (StatusCode::ACCEPTED, Json(self)).into_response()
    }
}

impl Consent {
    pub(crate) fn of(given: Option<ccm_app::Consent>) -> Self {
        let methods = HeaderValue::from_static("OPTIONS, POST");
        let mut headers = HeaderMap::from_iter([(header::ALLOW, methods)]);
        if let Some(consent) = given
            && let Ok(origin) = HeaderValue::from_str(&consent.origin)
        {
            headers.insert(ALLOWED_ORIGIN, origin);
            headers.insert(ALLOWED_RATE, consent.rate.into());
        }
        Self(headers)
    }
}

impl IntoResponse for Consent {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, self.0).into_response()
    }
}
