//! What a use case can refuse or fail with.

use ccm_domain::DomainError;
use ccm_ports::{RemoteError, StoreError};

/// One error for all use cases; the API maps it to problems, jobs put it into their reports.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A rule of the domain was broken; nothing was changed.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// AWS or a controller refused or failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// So many others changed the same document that every try lost; the caller may try again.
    #[error("too many changes at once to the same {0}")]
    Contended(&'static str),
}

/// Result of a use case.
pub type Result<T, E = FleetError> = std::result::Result<T, E>;
