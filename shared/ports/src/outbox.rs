//! From committed changes to the event log.

use async_trait::async_trait;
use ccm_events::Change;

use crate::StoreError;

/// The changes of one document that are not yet told, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Collection of the document.
    pub collection: String,
    /// Key of the document.
    pub key: String,
    /// Its changes, oldest first, never empty.
    pub changes: Vec<Change>,
}

/// A change with its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// 1, 2, 3 … without a hole.
    pub seq: u64,
    /// The change.
    pub change: Change,
}

/// Committed changes that wait to be told. Adapters pass `contract::outbox`.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Returns up to `limit` changes of as many documents, each document's oldest first and the documents
    /// in the order of their oldest change (as far as the store knows it).
    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError>;

    /// Looks ahead: as [`Outbox::pending`], but only at documents that stand in line behind those of `ahead`,
    /// which are being told meanwhile.
    ///
    /// A document of which a change in `ahead` still waits is left out, and others may be: an ordinary look
    /// finds them. A store whose looks cost next to nothing sees nothing ahead.
    async fn pending_behind(
        &self,
        _ahead: &[Pending],
        _limit: usize,
    ) -> Result<Vec<Pending>, StoreError> {
        Ok(Vec::new())
    }

    /// Takes the given changes out of their documents; harmless when repeated.
    ///
    /// Each document is one atomic write; when it fails, some may be done.
    async fn told(&self, told: &[Pending]) -> Result<(), StoreError>;

    /// Counts the changes that wait.
    async fn backlog(&self) -> Result<u64, StoreError>;
}

/// The durable, gap-free log of everything told.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Returns the last sequence number, 0 for an empty log.
    async fn head(&self) -> Result<u64, StoreError>;

    /// Returns the oldest sequence number still kept, `head + 1` when none is.
    async fn oldest(&self) -> Result<u64, StoreError>;

    /// Appends changes behind `after`, in order, and returns each with its place.
    ///
    /// A change that is in the log already (same id) keeps the place that it has and takes no new one.
    /// [`StoreError::Conflict`] when the log does not end at `after`: another relay is at work.
    async fn append(&self, after: u64, changes: &[Change]) -> Result<Vec<Logged>, StoreError>;

    /// Returns up to `limit` entries with `seq > after`, in order.
    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError>;

    /// Forgets entries with `seq < keep_from`; returns how many.
    async fn trim(&self, keep_from: u64) -> Result<u64, StoreError>;
}
