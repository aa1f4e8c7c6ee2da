//! History of load: fine for a day, coarse for a month.

use async_trait::async_trait;
use ccm_domain::{Timestamp, WorkerId};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// One reading of one worker; percentages 0 to 100, `None` where nothing was told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// CPU use.
    pub cpu: Option<f64>,
    /// Memory use.
    pub memory: Option<f64>,
    /// Disk use.
    pub disk: Option<f64>,
    /// Running CML nodes.
    pub nodes: Option<u32>,
}

/// Keeps samples. Adapters pass `contract::samples`.
#[async_trait]
pub trait SampleStore: Send + Sync {
    /// Adds a sample; one of the same worker and moment is replaced.
    async fn add(&self, worker: WorkerId, sample: Sample) -> Result<(), StoreError>;

    /// Returns up to `limit` samples with `from <= at < to`, oldest first.
    async fn range(
        &self,
        worker: WorkerId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Sample>, StoreError>;

    /// Keeps of the samples before `fine_from` only the first of each hour, and forgets those before
    /// `coarse_from`; returns how many went.
    async fn thin(&self, fine_from: Timestamp, coarse_from: Timestamp) -> Result<u64, StoreError>;

    /// Forgets a worker's samples.
    async fn forget(&self, worker: WorkerId) -> Result<(), StoreError>;
}
