//! A refusal in the controller's own words: status and description.

use ccm_ports::RemoteError;

/// What a controller answers instead of doing what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {text}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// CML's `description`.
    pub text: String,
}

impl Refusal {
    /// Refuses with the given status and text.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// 400: the request is wrong in itself.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    /// 404 in the exact form that clients look for, such as `Lab not found: <id>`.
    pub fn missing(kind: &str, id: impl std::fmt::Display) -> Self {
        Self::new(404, format!("{kind} not found: {id}"))
    }

    /// 409: the state does not allow it.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(409, text)
    }

    /// 503: not before the boot is over.
    #[must_use]
    pub fn not_ready() -> Self {
        Self::new(503, "The system is not ready")
    }
}

impl From<Refusal> for RemoteError {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.text;
        match refusal.status {
            400 | 422 => Self::Invalid(text),
            401 | 403 => Self::Denied(text),
            404 => Self::NotFound(text),
            409 => Self::Conflict(text),
            429 => Self::Throttled(None),
            502..=504 => Self::Unavailable(text),
            status => Self::Unexpected(format!("status {status}: {text}")),
        }
    }
}
