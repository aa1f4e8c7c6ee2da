//! Counts the writes that were refused because another leader had taken over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ccm_ports::StoreError;

/// Counted here and not by whoever asked: a leader that was stopped for a minute, and its trust with it, does not
/// wait for the answer any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fenced(Arc<AtomicU64>);

impl Fenced {
    /// Passes on how a write of a document ended.
    pub(crate) fn note<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(outcome, Err(StoreError::Stale)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
