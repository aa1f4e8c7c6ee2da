//! What every adapter says in the same way.

use ccm_ports::StoreError;

/// A stored text or a request makes no sense.
pub(crate) fn corrupt(
    what: impl Into<String>,
    err: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Corrupt(anyhow::Error::new(err).context(what.into()))
}
