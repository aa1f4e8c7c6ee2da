//! The only place where the SDK's errors get a meaning.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use ccm_ports::RemoteError;

/// Longest text that is passed on; EC2 appends an encoded blob to denials that fills pages.
const LONGEST_TEXT: usize = 600;
const ENCODED: &str = " Encoded authorization failure message:";

/// What a code asks of the caller, before the text is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Throttled,
    Denied,
    NotFound,
    Conflict,
    Capacity,
    Quota,
    Unavailable,
    Invalid,
    Unexpected,
}

/// Says what an error of the SDK means for the caller.
#[expect(clippy::needless_pass_by_value, reason = "shaped for `map_err`")]
pub(crate) fn meaning<E>(err: SdkError<E>) -> RemoteError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let text = chain(&err);
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the SDK may add variants; no answer came then"
    )]
    match &err {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let status = service.raw().status().as_u16();
            let message = service.err().message().unwrap_or("no reason given");
            spoken(kind(code, status), &format!("{code}: {message}"))
        }
        SdkError::ResponseError(response) => spoken(
            kind("", response.raw().status().as_u16()),
            &format!("unreadable answer: {text}"),
        ),
        SdkError::ConstructionFailure(_) => {
            find_credentials(&err, &text).unwrap_or(RemoteError::Invalid(text))
        }
        _ => find_credentials(&err, &text).unwrap_or_else(|| unanswered(text)),
    }
}

/// A request that went out, or could not, and was never answered.
fn unanswered(text: String) -> RemoteError {
    if text.contains("certificate") {
        RemoteError::Tls(text)
    } else {
        RemoteError::Unavailable(text)
    }
}

/// Says why there are no credentials, if that is what went wrong.
fn find_credentials(err: &(dyn Error + 'static), text: &str) -> Option<RemoteError> {
    let text = text.to_owned();
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the SDK may add variants; credentials are missing then"
    )]
    Some(match find::<CredentialsError>(err)? {
        CredentialsError::ProviderTimedOut(_) => RemoteError::Unavailable(text),
        credentials @ CredentialsError::ProviderError(_) => of_provider(credentials, text),
        _ => RemoteError::Denied(text),
    })
}

/// A provider that asks somebody else for credentials, as AssumeRole does, fails as that one fails.
fn of_provider(err: &CredentialsError, text: String) -> RemoteError {
    let refused = find_code(err);
    match refused.as_deref().map(|code| kind(code, 400)) {
        Some(Kind::Throttled) => RemoteError::Throttled(None),
        Some(Kind::Unavailable) | None => RemoteError::Unavailable(text),
        Some(_) => RemoteError::Denied(text),
    }
}

fn spoken(kind: Kind, text: &str) -> RemoteError {
    let text = short(text);
    match kind {
        Kind::Throttled => RemoteError::Throttled(None),
        Kind::Denied => RemoteError::Denied(text),
        Kind::NotFound => RemoteError::NotFound(text),
        Kind::Conflict => RemoteError::Conflict(text),
        Kind::Capacity => RemoteError::Capacity(text),
        Kind::Quota => RemoteError::Quota(text),
        Kind::Unavailable => RemoteError::Unavailable(text),
        Kind::Invalid => RemoteError::Invalid(text),
        Kind::Unexpected => RemoteError::Unexpected(text),
    }
}

/// Codes of EC2, CloudWatch and STS; a code counts more than the status it came with.
fn kind(code: &str, status: u16) -> Kind {
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "EC2ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded" => Kind::Throttled,
        "UnauthorizedOperation"
        | "AuthFailure"
        | "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "OptInRequired"
        | "Blocked"
        | "PendingVerification"
        | "NotAuthorized" => Kind::Denied,
        "IncorrectInstanceState"
        | "IncorrectState"
        | "OperationNotPermitted"
        | "DependencyViolation" => Kind::Conflict,
        "InsufficientInstanceCapacity"
        | "InsufficientCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InsufficientCapacityOnHost" => Kind::Capacity,
        "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "VolumeLimitExceeded"
        | "AddressLimitExceeded"
        | "ResourceLimitExceeded"
        | "TagLimitExceeded"
        | "MaxSpotInstanceCountExceeded"
        | "InsufficientFreeAddressesInSubnet"
        | "PrivateIpAddressLimitExceeded" => Kind::Quota,
        "Unavailable"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalError"
        | "InternalFailure"
        | "InternalServiceError"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "IDPCommunicationError" => Kind::Unavailable,
        _ if code.ends_with(".NotFound") || code == "InvalidAMIID.Unavailable" => Kind::NotFound,
        _ => of_status(status),
    }
}

const fn of_status(status: u16) -> Kind {
    match status {
        429 => Kind::Throttled,
        401 | 403 => Kind::Denied,
        // Anything else that AWS blames on the caller: Invalid…, Missing…, Unsupported, IdempotentParameterMismatch.
        400..=499 => Kind::Invalid,
        500..=599 => Kind::Unavailable,
        _ => Kind::Unexpected,
    }
}

/// Returns the whole chain of an error as one line.
fn chain(err: &dyn Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        let more = err.to_string();
        // Some links repeat what their source says.
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = err.source();
    }
    short(&text)
}

fn short(text: &str) -> String {
    let text = text.split(ENCODED).next().unwrap_or(text);
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn find<'a, T: Error + 'static>(err: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut link = Some(err);
    while let Some(err) = link {
        if let Some(found) = err.downcast_ref() {
            return Some(found);
        }
        link = err.source();
    }
    None
}

/// Returns the code with which STS refused, if it did.
fn find_code(err: &(dyn Error + 'static)) -> Option<String> {
    find::<aws_sdk_sts::operation::assume_role::AssumeRoleError>(err)
        .and_then(|err| err.code().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_meaning() {
        for (code, status, wanted) in [
            ("RequestLimitExceeded", 503, Kind::Throttled),
            ("Throttling", 400, Kind::Throttled),
            ("UnauthorizedOperation", 403, Kind::Denied),
            ("AuthFailure", 401, Kind::Denied),
            ("ExpiredToken", 400, Kind::Denied),
            ("InvalidClientTokenId", 403, Kind::Denied),
            ("InvalidInstanceID.NotFound", 400, Kind::NotFound),
            ("InvalidSubnetID.NotFound", 400, Kind::NotFound),
            ("InvalidInstanceID.Malformed", 400, Kind::Invalid),
            ("IncorrectInstanceState", 400, Kind::Conflict),
            ("OperationNotPermitted", 400, Kind::Conflict),
            ("InsufficientInstanceCapacity", 500, Kind::Capacity),
            ("VcpuLimitExceeded", 400, Kind::Quota),
            ("InternalError", 500, Kind::Unavailable),
            ("IdempotentParameterMismatch", 400, Kind::Invalid),
            ("Unsupported", 400, Kind::Invalid),
            ("SomethingNew", 400, Kind::Invalid),
            ("SomethingNew", 500, Kind::Unavailable),
            ("", 403, Kind::Denied),
            ("", 429, Kind::Throttled),
            ("", 302, Kind::Unexpected),
        ] {
            assert_eq!(kind(code, status), wanted, "{code} with {status}");
        }
    }

    #[test]
    fn a_refused_certificate_is_no_outage() {
        let refused =
            unanswered("dispatch failure: io error: invalid peer certificate: Expired".to_owned());
        let away = unanswered("dispatch failure: io error: connection refused".to_owned());

        assert!(matches!(refused, RemoteError::Tls(_)), "{refused:?}");
        assert!(matches!(away, RemoteError::Unavailable(_)), "{away:?}");
    }

    #[test]
    fn a_denial_loses_its_encoded_blob() {
        let text = format!("UnauthorizedOperation: You may not.{ENCODED} {}", "x".repeat(5_000));

        let told = spoken(Kind::Denied, &text);

        assert_eq!(told.to_string(), "not allowed: UnauthorizedOperation: You may not.");
        assert_eq!(short(&"é".repeat(1_000)).chars().count(), LONGEST_TEXT + 1);
    }
}
