//! What the driver's errors mean here: whatever happened, the bus cannot be reached at present.

use std::time::Duration;

use ccm_ports::BusError;
use deadpool_redis::PoolError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a call or a connection did not work. Says no address and no password.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// The server refused, or the connection broke.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// All connections are in use, or none could be made in time.
    #[error("no connection to Redis: {0}")]
    NoConnection(String),
    /// No answer in time.
    #[error("no answer from Redis within {} ms", .0.as_millis())]
    Late(Duration),
}

impl Failed {
    /// Whether other connections to the same server may be as useless as the one that failed.
    pub(super) fn spoils_connections(&self) -> bool {
        match self {
            Self::Redis(err) => {
                err.is_unrecoverable_error()
                    || err.is_timeout()
                    // It was the primary when it was connected.
                    || err.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
            }
            Self::NoConnection(_) | Self::Late(_) => true,
        }
    }
}

impl From<PoolError> for Failed {
    fn from(err: PoolError) -> Self {
        match err {
            PoolError::Backend(err) => Self::Redis(err),
            PoolError::Timeout(_)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Self::NoConnection(err.to_string()),
        }
    }
}

impl From<Failed> for BusError {
    fn from(failed: Failed) -> Self {
        Self::Unavailable(failed.into())
    }
}

/// Whether a server was asked for a script that it does not have.
pub(super) fn is_unknown_script(err: &RedisError) -> bool {
    err.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Returns the meaning of an answer or of settings that the driver does not understand.
pub(super) fn unavailable(err: impl std::error::Error + Send + Sync + 'static) -> BusError {
    BusError::Unavailable(anyhow::Error::new(err))
}
