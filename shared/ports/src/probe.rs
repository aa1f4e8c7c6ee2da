//! Whether the store is there.

use async_trait::async_trait;

use crate::StoreError;

/// Asks the store how it is: for `/readyz`, and for what is measured.
#[async_trait]
pub trait StoreProbe: Send + Sync {
    /// Returns once the store has read something that it keeps.
    ///
    /// [`StoreError::Unavailable`] when it does not, within the time that the adapter allows every call.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Returns how many writes this process had refused, since it opened the store, because another leader had
    /// taken over.
    fn fenced(&self) -> u64;
}
