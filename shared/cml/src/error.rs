//! The only place where statuses and the HTTP library's errors get a meaning.

use std::error::Error as StdError;
use std::time::Duration;

use ccm_ports::RemoteError;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

/// Longer reasons are cut: they are shown to operators.
const LONGEST_REASON: usize = 300;

/// An error on its way to the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: RemoteError,
    /// Whether it cost no time: a connection refused or a 502, as from a controller that boots.
    pub(crate) was_quick: bool,
}

impl Failure {
    pub(crate) const fn costly(error: RemoteError) -> Self {
        Self { error, was_quick: false }
    }

    pub(crate) const fn quick(error: RemoteError) -> Self {
        Self { error, was_quick: true }
    }
}

/// CML's form of an error.
#[derive(Debug, Default, Deserialize)]
struct Refused {
    #[serde(default)]
    description: String,
}

/// Gives a failed exchange its meaning.
pub(crate) fn transport(err: &reqwest::Error) -> Failure {
    let cause = innermost(err);
    if let Some(tls) = refused_handshake(err) {
        return Failure::quick(RemoteError::Tls(tls.to_string()));
    }
    if err.is_timeout() {
        return Failure::costly(RemoteError::Unavailable("timed out".to_owned()));
    }
    if err.is_connect() {
        return Failure::quick(RemoteError::Unavailable(reason(&cause)));
    }
    if err.is_builder() {
        return Failure::quick(RemoteError::Invalid(reason(&cause)));
    }
    Failure::costly(RemoteError::Unavailable(format!("the connection broke: {}", reason(&cause))))
}

/// Gives a status other than 2xx its meaning.
pub(crate) fn status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let told: Refused = serde_json::from_slice(body).unwrap_or_default();
    let text = match reason(&told.description) {
        empty if empty.is_empty() => format!("status {}", status.as_u16()),
        text => text,
    };
    match status.as_u16() {
        401 | 403 => Failure::quick(RemoteError::Denied(text)),
        404 => Failure::quick(RemoteError::NotFound(text)),
        409 => Failure::quick(RemoteError::Conflict(text)),
        429 => Failure::quick(RemoteError::Throttled(retry_after(headers))),
        502 | 503 => Failure::quick(RemoteError::Unavailable(text)),
        504 => Failure::costly(RemoteError::Unavailable(text)),
        400 | 405 | 413 | 415 | 422 => Failure::quick(RemoteError::Invalid(text)),
        code => Failure::costly(RemoteError::Unexpected(format!("status {code}: {text}"))),
    }
}

/// Says that an answer could not be understood; `why` must not quote it.
pub(crate) fn unexpected(why: impl Into<String>) -> Failure {
    Failure::costly(RemoteError::Unexpected(why.into()))
}

/// Says the same again, for those who waited for the same call.
pub(crate) fn again(error: &RemoteError) -> RemoteError {
    match error {
        RemoteError::Unavailable(text) => RemoteError::Unavailable(text.clone()),
        RemoteError::Throttled(after) => RemoteError::Throttled(*after),
        RemoteError::Denied(text) => RemoteError::Denied(text.clone()),
        RemoteError::Tls(text) => RemoteError::Tls(text.clone()),
        RemoteError::NotFound(text) => RemoteError::NotFound(text.clone()),
        RemoteError::Conflict(text) => RemoteError::Conflict(text.clone()),
        RemoteError::Capacity(text) => RemoteError::Capacity(text.clone()),
        RemoteError::Quota(text) => RemoteError::Quota(text.clone()),
        RemoteError::Invalid(text) => RemoteError::Invalid(text.clone()),
        RemoteError::Unexpected(text) => RemoteError::Unexpected(text.clone()),
    }
}

/// Takes a secret out of a reason: a controller may quote what it was sent.
pub(crate) fn without(error: RemoteError, secret: &str) -> RemoteError {
    let hide = |text: String| if secret.is_empty() { text } else { text.replace(secret, "***") };
    match error {
        RemoteError::Unavailable(text) => RemoteError::Unavailable(hide(text)),
        RemoteError::Throttled(after) => RemoteError::Throttled(after),
        RemoteError::Denied(text) => RemoteError::Denied(hide(text)),
        RemoteError::Tls(text) => RemoteError::Tls(hide(text)),
        RemoteError::NotFound(text) => RemoteError::NotFound(hide(text)),
        RemoteError::Conflict(text) => RemoteError::Conflict(hide(text)),
        RemoteError::Capacity(text) => RemoteError::Capacity(hide(text)),
        RemoteError::Quota(text) => RemoteError::Quota(hide(text)),
        RemoteError::Invalid(text) => RemoteError::Invalid(hide(text)),
        RemoteError::Unexpected(text) => RemoteError::Unexpected(hide(text)),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Makes a text from outside fit to be shown: one line, bounded.
fn reason(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REASON).collect();
    line.trim().to_owned()
}

fn innermost(err: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Finds the TLS library's complaint about a certificate, or about what is no TLS at all.
fn refused_handshake(err: &reqwest::Error) -> Option<&rustls::Error> {
    if !err.is_connect() {
        return None;
    }
    let mut cause: Option<&(dyn StdError + 'static)> = err.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error does not count what it carries among its sources.
        let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(code: u16, body: &str) -> RemoteError {
        let code = StatusCode::from_u16(code).unwrap();
        status(code, &HeaderMap::new(), body.as_bytes()).error
    }

    #[test]
    fn a_status_has_the_meaning_that_somebody_acts_on() {
        let told = r#"{"code": 0, "description": "why"}"#;
        for (code, word) in [
            (302, "unexpected"),
            (400, "invalid"),
            (401, "denied"),
            (403, "denied"),
            (404, "not_found"),
            (409, "conflict"),
            (429, "throttled"),
            (500, "unexpected"),
            (502, "unavailable"),
            (503, "unavailable"),
            (504, "unavailable"),
        ] {
            assert_eq!(meaning(code, told).word(), word, "{code}");
        }
    }

    #[test]
    fn the_reason_is_the_controllers_own_on_one_line() {
        let told = r#"{"code": 409, "description": "Lab must be\nstopped"}"#;

        assert_eq!(
            meaning(409, told).to_string(),
            "not possible in this state: Lab must be stopped"
        );
        assert_eq!(meaning(502, "<html>Bad Gateway</html>").to_string(), "no answer: status 502");
    }

    #[test]
    fn a_quoted_secret_is_taken_out() {
        let error = RemoteError::Invalid("token abc-123 is bad".to_owned());

        assert_eq!(without(error, "abc-123").to_string(), "refused as invalid: token *** is bad");
    }
}
