//! Documents, one law for all of them: compare-and-set on `rev`, a leader's guard, facts in the same write.
//!
//! Every write is one atomic operation on one document. What the store keeps beside the document's own
//! bytes (the guard, the changes not yet told, the index fields) is never written by a document's owner,
//! so a writer that replaces the document cannot undo a seal or tell a change twice.

use std::sync::Arc;

use async_trait::async_trait;
use ccm_domain::Epoch;
use ccm_events::Change;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Page, Query, StoreError};

/// An aggregate that is kept as one document.
pub trait Document: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Name of the collection, plural.
    const COLLECTION: &'static str;
    /// What one is called in errors.
    const NOUN: &'static str;
    /// How much is written of it: grows by one with each release that writes more than the one before.
    ///
    /// What a later format has and this build does not know outlives its writes.
    const FORMAT: u64 = 1;

    /// Returns the key, unique within the collection.
    fn key(&self) -> String;

    /// Returns the revision that this value has once it is written; 1 for a new one.
    fn rev(&self) -> u64;

    /// Returns further keys that no two documents of the collection may share.
    fn unique(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns what [`Query`] can filter and sort by; a field may occur more than once.
    fn fields(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// On whose behalf a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// An intent, by any API process: fenced by `rev` alone; leaves the guard as it is.
    Intent,
    /// A leader: refused as [`StoreError::Stale`] when the document was sealed or written by a later epoch.
    Leader(Epoch),
}

/// Keeps the documents of one type. Adapters pass `contract::collection`.
#[async_trait]
pub trait Collection<D: Document>: Send + Sync {
    /// Returns the document, or `None`.
    async fn find(&self, key: &str) -> Result<Option<D>, StoreError>;

    /// Returns the document, or [`StoreError::NotFound`].
    async fn get(&self, key: &str) -> Result<D, StoreError> {
        self.find(key).await?.ok_or(StoreError::NotFound(D::NOUN))
    }

    /// Returns one page of matching documents.
    async fn list(&self, query: &Query) -> Result<Page<D>, StoreError>;

    /// Adds a document at `rev` 1 with its changes.
    ///
    /// [`StoreError::Taken`] names the key or unique key that exists, [`StoreError::Corrupt`] tells of another
    /// `rev`; nothing is written then.
    async fn insert(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError>;

    /// Replaces the document that is stored at `doc.rev() - 1` and appends the changes.
    ///
    /// [`StoreError::Stale`] when the writer was deposed, else [`StoreError::Conflict`] when it is at another
    /// revision, [`StoreError::Taken`] for a unique key, [`StoreError::NotFound`] when it is gone.
    async fn put(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError>;

    /// Forgets the document at `rev`.
    ///
    /// [`StoreError::Conflict`] at another revision or while changes wait to be told, [`StoreError::Stale`]
    /// when the writer was deposed, [`StoreError::NotFound`] when it is gone.
    async fn remove(&self, key: &str, rev: u64, by: Writer) -> Result<(), StoreError>;
}

/// A shared collection.
pub type Shared<D> = Arc<dyn Collection<D>>;
