//! The stores against the contract suites; the embedded one also against a model and sudden death, the shared one
//! against others at the same server and a server that goes away.

#![cfg(test)]

mod crash;
mod embedded;
mod files;
mod model;
#[cfg(feature = "mongo")]
mod mongo;

use std::sync::Arc;

use ccm_ports::contract::store::{Whole, World};
use ccm_store::Embedded;
use tempfile::TempDir;

/// A store that is gone with the test.
struct Fresh {
    store: Embedded,
    _folder: Option<TempDir>,
}

fn in_memory() -> Fresh {
    Fresh { store: Embedded::memory().unwrap(), _folder: None }
}

fn in_a_file() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path().join("ccm.db")).unwrap();
    Fresh { store, _folder: Some(folder) }
}

impl World for Fresh {
    fn store(&self) -> Arc<dyn Whole> {
        Arc::new(self.store.clone())
    }
}
