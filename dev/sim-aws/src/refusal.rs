//! Why a call was refused, before it is written in the words of a protocol.

use axum::http::StatusCode;
use ccm_testkit::cloud::CloudError;

/// A code and a message of AWS with the status that goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    pub(crate) fn bad_request(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        let message = format!("The request must contain the parameter {parameter}");
        Self::bad_request("MissingParameter", &message)
    }
}

impl From<CloudError> for Refusal {
    fn from(err: CloudError) -> Self {
        let status = StatusCode::from_u16(err.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, err.code(), &err.to_string())
    }
}
