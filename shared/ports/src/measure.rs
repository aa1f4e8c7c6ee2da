//! CloudWatch as the fleet needs it.

use async_trait::async_trait;
use ccm_domain::{CpuReading, InstanceId, Scope, Timestamp};

use crate::RemoteError;

/// Readings of instances. Adapters: `ccm_aws`, `ccm_testkit::cloud`; both pass `contract::compute`.
#[async_trait]
pub trait Measure: Send + Sync {
    /// Returns the newest CPU reading of each instance that has one between `from` and `to`.
    ///
    /// Batched: one call per 500 instances, never one per instance.
    async fn cpu(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<CpuReading>, RemoteError>;
}
