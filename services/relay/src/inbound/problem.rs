//! Refusals after RFC 9457, with codes, status and titles of the API's catalog; a test compares them.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use ccm_app::{Declined, FleetError};
use ccm_domain::FieldFault;
use ccm_events::foreign::Unreadable;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

/// When to try again after a failure that passes by itself.
const SOON: Duration = Duration::from_secs(2);

/// Code, status and title of all that is answered here.
const CATALOG: &[(&str, StatusCode, &str)] = &[
    ("invalid_event", StatusCode::BAD_REQUEST, "The event is not valid"),
    ("unauthenticated", StatusCode::UNAUTHORIZED, "Nobody is signed in"),
    ("inbound_off", StatusCode::NOT_FOUND, "Events from outside are not taken"),
    ("no_such_route", StatusCode::NOT_FOUND, "There is no such address"),
    ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The address has no such method"),
    ("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
    ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body's type is not taken"),
    ("too_many_events", StatusCode::TOO_MANY_REQUESTS, "Too many events from outside"),
    ("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong here"),
    ("contended", StatusCode::SERVICE_UNAVAILABLE, "Too many changes at once"),
    ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "Too many requests at once"),
    ("store_unavailable", StatusCode::SERVICE_UNAVAILABLE, "The store cannot be reached"),
    ("timed_out", StatusCode::SERVICE_UNAVAILABLE, "It took too long"),
];

/// A request of which nothing was taken.
pub(super) struct Problem {
    code: &'static str,
    detail: Option<String>,
    errors: Vec<FieldFault>,
    wait: Option<Duration>,
    cause: Option<FleetError>,
}

impl Problem {
    /// Returns a problem that its title says all about.
    pub(super) const fn new(code: &'static str) -> Self {
        Self { code, detail: None, errors: Vec::new(), wait: None, cause: None }
    }
}

impl From<Declined> for Problem {
    fn from(declined: Declined) -> Self {
        let problem = Self { detail: Some(declined.to_string()), ..Self::new(declined.code()) };
        match declined {
            // Senders are told nothing of the inside.
            Declined::Failed(err) => Self { detail: None, cause: Some(err), ..problem },
            Declined::Unreadable(Unreadable::Invalid(errors)) => Self { errors, ..problem },
            Declined::TooMany { wait, .. } => Self { wait: Some(wait), ..problem },
            Declined::Closed
            | Declined::Stranger(_)
            | Declined::Unreadable(Unreadable::Media(_) | Unreadable::TooLarge(_)) => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { code, detail, errors, wait, cause } = self;
        let unknown = ("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something is wrong here");
        let (code, status, title) =
            CATALOG.iter().find(|entry| entry.0 == code).copied().unwrap_or(unknown);
        let id = Uuid::now_v7().to_string();
        match cause {
            Some(err) => {
                let error = &err as &dyn std::error::Error;
                tracing::warn!(request.id = id, error, "events from outside were not taken");
            }
            None => tracing::info!(
                request.id = id,
                error.code = code,
                "events from outside were refused"
            ),
        }
        let body = json!({
            "type": format!("/problems/{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail.as_deref().unwrap_or(title),
            "code": code,
            "request_id": id,
            "errors": errors,
        });
        let mut answer = (status, Json(body)).into_response();
        let headers = answer.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"ccm\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        let passes = status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(wait) = wait.or_else(|| passes.then_some(SOON)) {
            // Rounded up, so that who waits so long finds room.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_the_same_as_on_the_port_of_the_api() {
        let errors = include_str!("../../../../docs/ERRORS.md");
        for (code, status, title) in CATALOG {
            let told = format!("## `{code}`\n\n{} · {title}.", status.as_u16());
            assert!(errors.contains(&told), "{told:?} is not in docs/ERRORS.md");
        }
    }
}
