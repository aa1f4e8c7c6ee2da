//! Problems after RFC 9457, and the one map from errors to them.
//!
//! **Invariants:** 5xx say nothing of the inside; 503 says when to try again; each failure of ours is
//! logged here, once.

use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use ccm_app::{Declined, FleetError};
use ccm_domain::{DomainError, FieldFault};
use ccm_events::foreign::Unreadable;
use ccm_ports::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::middleware::request_id;

pub mod catalog;

/// When to try again after a failure that passes by itself.
const SOON: Duration = Duration::from_secs(2);

/// A refused or failed request.
#[derive(Clone, Debug)]
pub struct Problem(Box<Refusal>);

#[derive(Clone, Debug)]
struct Refusal {
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

/// A refused or failed request as it is sent, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/<code>`, a page about the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short text that is the same for every occurrence of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong this time, for people.
    pub detail: String,
    /// Stable word, for programs.
    pub code: String,
    /// The id under which the request stands in the logs.
    pub request_id: String,
    /// Fields that are wrong; empty when it is about none.
    pub errors: Vec<FieldError>,
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the body, or `query/…`, `path/…`, `header/…`.
    #[schema(example = "/instance_type")]
    pub pointer: String,
    /// What it must be.
    pub detail: String,
}

impl From<FieldFault> for FieldError {
    fn from(fault: FieldFault) -> Self {
        Self { pointer: fault.pointer, detail: fault.detail }
    }
}

impl Problem {
    /// Returns a problem of the catalog.
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        let (detail, errors) = (detail.into(), Vec::new());
        Self(Box::new(Refusal { code, detail, errors, retry_after: None }))
    }

    /// Returns a problem about one field.
    #[must_use]
    pub fn field(code: &'static str, pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut problem = Self::new(code, format!("{pointer}: {detail}"));
        problem.0.errors.push(FieldError { pointer: pointer.to_owned(), detail });
        problem
    }

    /// Returns a problem about several fields.
    #[must_use]
    pub(crate) fn fields(code: &'static str, faults: Vec<FieldFault>) -> Self {
        let detail = DomainError::Invalid { faults: faults.clone() }.to_string();
        let mut problem = Self::new(code, detail);
        problem.0.errors = faults.into_iter().map(FieldError::from).collect();
        problem
    }

    /// Adds when to try again.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.0.code
    }

    /// Returns what is wrong this time.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let status = catalog::find(self.0.code).map_or(409, |entry| entry.status);
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Logs a failure of ours and says nothing of it outside.
    pub(crate) fn internal(err: &(dyn Error + 'static)) -> Self {
        let request = request_id::current();
        tracing::error!(request.id = request, error = err, "request {request} failed");
        Self::new("internal", "the request could not be carried out; its id leads to the reason")
    }

    fn passing(code: &'static str, detail: &str, err: &(dyn Error + 'static)) -> Self {
        let request = request_id::current();
        tracing::warn!(request.id = request, error = err, "request {request} was put off");
        Self::new(code, detail).retry_after(SOON)
    }
}

impl From<DomainError> for Problem {
    fn from(err: DomainError) -> Self {
        match err {
            DomainError::NotPossible { code, detail } => Self::new(code, detail),
            DomainError::Invalid { faults } => Self::fields("invalid", faults),
            DomainError::SpecChanged => Self::new("spec_changed", err.to_string()),
            DomainError::Forbidden(forbidden) => Self::new("forbidden", forbidden.to_string()),
        }
    }
}

impl From<FleetError> for Problem {
    fn from(err: FleetError) -> Self {
        match err {
            FleetError::Domain(err) => err.into(),
            FleetError::Store(err) => err.into(),
            FleetError::Remote(err) => {
                let request = request_id::current();
                tracing::error!(request.id = request, error = %err, "request {request} failed");
                Self::new("remote_failed", "AWS or a controller did not do what was asked")
            }
            FleetError::Contended(what) => {
                let detail =
                    format!("too many changes at once to the same {what}; nothing was done");
                Self::new("contended", detail).retry_after(SOON)
            }
        }
    }
}

impl From<Declined> for Problem {
    fn from(declined: Declined) -> Self {
        let (code, detail) = (declined.code(), declined.to_string());
        match declined {
            Declined::Failed(err) => err.into(),
            Declined::Unreadable(Unreadable::Invalid(faults)) => Self::fields(code, faults),
            Declined::TooMany { wait, .. } => Self::new(code, detail).retry_after(wait),
            Declined::Closed
            | Declined::Stranger(_)
            | Declined::Unreadable(Unreadable::Media(_) | Unreadable::TooLarge(_)) => {
                Self::new(code, detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(err: StoreError) -> Self {
        match &err {
            StoreError::NotFound(noun) => {
                Self::new("not_found", format!("there is no such {noun}"))
            }
            StoreError::Taken(_) => {
                Self::new("already_exists", "another one has the same unique key")
            }
            StoreError::Conflict => Self::new("conflict", "somebody else changed it first"),
            StoreError::Stale | StoreError::Corrupt(_) => Self::internal(&err),
            StoreError::Unavailable(_) => {
                Self::passing("store_unavailable", "the store cannot be reached at present", &err)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let Refusal { code, detail, errors, retry_after } = *self.0;
        let title = catalog::find(code).map_or("It is not possible now", |entry| entry.title);
        let body = ProblemBody {
            kind: format!("/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            code: code.to_owned(),
            request_id: request_id::current(),
            errors,
        };
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, axum::Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"ccm\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(pause) = retry_after {
            // Rounded up, so that who waits so long finds room.
            let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        response
    }
}
