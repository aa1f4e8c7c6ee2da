//! A store that is away, slow, or has a bug.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ccm_events::Change;
use ccm_ports::{Collection, Document, Page, Query, Shared, StoreError, Writer};
use tokio::sync::watch;

/// What is wrong with every read.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The store cannot be reached.
    Away,
    /// A bug of ours.
    Panics,
    /// Reads take this long; the sender counts those that began.
    Slow(Duration, watch::Sender<usize>),
}

struct Faulty<D: Document> {
    inner: Shared<D>,
    fault: Fault,
}

/// Puts a fault before a collection.
pub(crate) fn faulty<D: Document>(inner: &Shared<D>, fault: &Fault) -> Shared<D> {
    Arc::new(Faulty { inner: Arc::clone(inner), fault: fault.clone() })
}

impl<D: Document> Faulty<D> {
    async fn meet(&self) -> Result<(), StoreError> {
        match &self.fault {
            Fault::Away => Err(StoreError::Unavailable(anyhow::anyhow!("disk on fire"))),
            Fault::Panics => panic!("boom"),
            Fault::Slow(pause, reads) => {
                reads.send_modify(|reads| *reads += 1);
                tokio::time::sleep(*pause).await;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl<D: Document> Collection<D> for Faulty<D> {
    async fn find(&self, key: &str) -> Result<Option<D>, StoreError> {
        self.meet().await?;
        self.inner.find(key).await
    }

    async fn list(&self, query: &Query) -> Result<Page<D>, StoreError> {
        self.meet().await?;
        self.inner.list(query).await
    }

    async fn insert(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError> {
        self.inner.insert(doc, changes, by).await
    }

    async fn put(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError> {
        self.inner.put(doc, changes, by).await
    }

    async fn remove(&self, key: &str, rev: u64, by: Writer) -> Result<(), StoreError> {
        self.inner.remove(key, rev, by).await
    }
}
