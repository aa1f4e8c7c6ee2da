//! EC2's refusals with the codes, words and HTTP statuses that EC2 gives them.

use ccm_domain::{ImageId, InstanceId, InstanceType};
use ccm_ports::RemoteError;

/// Why the modelled cloud refused a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// Asked too often.
    #[error("Request limit exceeded.")]
    Throttled,
    /// The caller may not do this; holds the action.
    #[error("You are not authorized to perform this operation: {0}.")]
    Denied(String),
    /// The region does not answer, or the answer was lost on its way.
    #[error("The service is unavailable. Please try again shortly.")]
    Unavailable,
    /// No such instance.
    #[error("The instance ID '{0}' does not exist")]
    NoInstance(InstanceId),
    /// The text is no instance id.
    #[error("Invalid id: \"{0}\"")]
    MalformedId(String),
    /// No such image.
    #[error("The image id '[{0}]' does not exist")]
    NoImage(ImageId),
    /// The instance is in no state that allows the action; holds the action as a participle.
    #[error("The instance '{0}' is not in a state from which it can be {1}.")]
    WrongState(InstanceId, &'static str),
    /// The token was used before with other parameters.
    #[error(
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
    )]
    TokenReused,
    /// No hardware of that type is free.
    #[error(
        "We currently do not have sufficient {0} capacity in the Availability Zone you requested. Our system will be working on provisioning additional capacity."
    )]
    NoCapacity(InstanceType),
    /// The account's vCPU quota is used up.
    #[error(
        "You have requested more vCPU capacity than your current vCPU limit of 64 allows for the instance bucket that the specified instance type belongs to."
    )]
    QuotaUsedUp,
    /// Termination protection is on.
    #[error(
        "The instance '{0}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."
    )]
    Protected(InstanceId),
    /// A parameter has a value that cannot be.
    #[error("{0}")]
    InvalidValue(String),
}

impl CloudError {
    /// EC2's code, as in `<Code>` of its error body.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Throttled => "RequestLimitExceeded",
            Self::Denied(_) => "UnauthorizedOperation",
            Self::Unavailable => "Unavailable",
            Self::NoInstance(_) => "InvalidInstanceID.NotFound",
            Self::MalformedId(_) => "InvalidInstanceID.Malformed",
            Self::NoImage(_) => "InvalidAMIID.NotFound",
            Self::WrongState(..) => "IncorrectInstanceState",
            Self::TokenReused => "IdempotentParameterMismatch",
            Self::NoCapacity(_) => "InsufficientInstanceCapacity",
            Self::QuotaUsedUp => "VcpuLimitExceeded",
            Self::Protected(_) => "OperationNotPermitted",
            Self::InvalidValue(_) => "InvalidParameterValue",
        }
    }

    /// The HTTP status that EC2 sends with it.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Throttled | Self::Unavailable => 503,
            Self::Denied(_) => 403,
            Self::NoCapacity(_) => 500,
            Self::NoInstance(_)
            | Self::MalformedId(_)
            | Self::NoImage(_)
            | Self::WrongState(..)
            | Self::TokenReused
            | Self::QuotaUsedUp
            | Self::Protected(_)
            | Self::InvalidValue(_) => 400,
        }
    }
}

impl From<CloudError> for RemoteError {
    fn from(err: CloudError) -> Self {
        let text = format!("{}: {err}", err.code());
        match err {
            CloudError::Throttled => Self::Throttled(None),
            CloudError::Denied(_) => Self::Denied(text),
            CloudError::Unavailable => Self::Unavailable(text),
            CloudError::NoInstance(_) | CloudError::NoImage(_) => Self::NotFound(text),
            CloudError::WrongState(..) | CloudError::Protected(_) => Self::Conflict(text),
            CloudError::NoCapacity(_) => Self::Capacity(text),
            CloudError::QuotaUsedUp => Self::Quota(text),
            CloudError::TokenReused | CloudError::MalformedId(_) | CloudError::InvalidValue(_) => {
                Self::Invalid(text)
            }
        }
    }
}
