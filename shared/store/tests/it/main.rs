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

use ccm_ports::contract::store::{Parcel, Slip, World};
use ccm_ports::{EventLog, LeaseStore, Outbox, SampleStore, SecretStore, Shared, StoreProbe};
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
    fn parcels(&self) -> Shared<Parcel> {
        Arc::new(self.store.clone())
    }

    fn slips(&self) -> Shared<Slip> {
        Arc::new(self.store.clone())
    }

    fn leases(&self) -> Arc<dyn LeaseStore> {
        Arc::new(self.store.clone())
    }

    fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(self.store.clone())
    }

    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.store.clone())
    }

    fn samples(&self) -> Arc<dyn SampleStore> {
        Arc::new(self.store.clone())
    }

    fn secrets(&self) -> Arc<dyn SecretStore> {
        Arc::new(self.store.clone())
    }

    fn probe(&self) -> Arc<dyn StoreProbe> {
        Arc::new(self.store.clone())
    }
}
