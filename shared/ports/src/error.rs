//! Errors of the ports: one variant per reaction.

use std::time::Duration;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The document is not there.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Another writer was first; read again and re-apply.
    #[error("somebody else changed it first")]
    Conflict,
    /// A unique key is taken already; holds the key.
    #[error("the key {0} is taken")]
    Taken(String),
    /// Written for an older leader; the writer has been deposed.
    #[error("written for an older leader")]
    Stale,
    /// The stored bytes or the request cannot be understood; repeating does not help.
    #[error("a stored document cannot be read")]
    Corrupt(#[source] anyhow::Error),
    /// The store cannot be reached or is out of resources; repeating may help.
    #[error("the store cannot be reached")]
    Unavailable(#[source] anyhow::Error),
}

/// Why the bus did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus holds something else at that place; holds the last sequence it has.
    #[error("the bus is at {0}, not where the writer thought")]
    OutOfOrder(u64),
    /// The bus cannot be reached.
    #[error("the bus cannot be reached")]
    Unavailable(#[source] anyhow::Error),
}

/// Why AWS or a CML controller did not do what was asked.
///
/// The text in a variant is the remote's own reason, fit to be shown to an operator.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nothing answers yet: connection refused, name unknown, 502/503/504, time-out.
    #[error("no answer: {0}")]
    Unavailable(String),
    /// Asked too often; try again after the given time, or after a backoff of the caller's.
    #[error("throttled")]
    Throttled(Option<Duration>),
    /// Credentials are missing, wrong or not allowed to do this.
    #[error("not allowed: {0}")]
    Denied(String),
    /// The certificate was refused.
    #[error("certificate refused: {0}")]
    Tls(String),
    /// The thing is not known there.
    #[error("not found: {0}")]
    NotFound(String),
    /// The thing is not in a state that allows this.
    #[error("not possible in this state: {0}")]
    Conflict(String),
    /// No capacity of that kind at present; another try may help.
    #[error("no capacity: {0}")]
    Capacity(String),
    /// A quota is used up; only a person can help.
    #[error("quota used up: {0}")]
    Quota(String),
    /// The request is wrong in itself.
    #[error("refused as invalid: {0}")]
    Invalid(String),
    /// An answer that cannot be understood.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
}

impl RemoteError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Throttled(_) | Self::Capacity(_) | Self::Unexpected(_) => {
                true
            }
            Self::Denied(_)
            | Self::Tls(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Quota(_)
            | Self::Invalid(_) => false,
        }
    }

    /// A stable word for metrics and run reports.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Throttled(_) => "throttled",
            Self::Denied(_) => "denied",
            Self::Tls(_) => "tls",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Capacity(_) => "capacity",
            Self::Quota(_) => "quota",
            Self::Invalid(_) => "invalid",
            Self::Unexpected(_) => "unexpected",
        }
    }
}
