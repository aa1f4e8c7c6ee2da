//! Short-lived secrets on their way from the API to the scheduler, such as a licence token.

use async_trait::async_trait;
use ccm_domain::Timestamp;
use secrecy::SecretString;

use crate::StoreError;

/// Keeps secrets encrypted at rest, outside of every other document. Adapters pass `contract::secrets`.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Keeps a secret under `id` until `expires`; replaces an older one.
    async fn keep(
        &self,
        id: &str,
        secret: &SecretString,
        expires: Timestamp,
    ) -> Result<(), StoreError>;

    /// Returns the secret, or `None` when it was dropped or has expired at `now`.
    async fn reveal(&self, id: &str, now: Timestamp) -> Result<Option<SecretString>, StoreError>;

    /// Forgets it; harmless when repeated.
    async fn drop_secret(&self, id: &str) -> Result<(), StoreError>;

    /// Forgets all that have expired at `now`; returns how many.
    async fn drop_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}
