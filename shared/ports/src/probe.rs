//! Whether the store is there.

use async_trait::async_trait;

use crate::StoreError;

/// Asks the store for a sign of life, for `/readyz`.
#[async_trait]
pub trait StoreProbe: Send + Sync {
    /// Returns once the store has read something that it keeps.
    ///
    /// [`StoreError::Unavailable`] when it does not, within the time that the adapter allows every call.
    async fn ping(&self) -> Result<(), StoreError>;
}
