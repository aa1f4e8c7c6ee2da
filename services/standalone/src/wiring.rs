//! The only file that names adapters.

use std::sync::Arc;

use ccm_app::{Fleet, Remotes};
use ccm_bus::LocalBus;
use ccm_ports::{EventFeed, EventPublisher, LeaseRole, LeaseStore, StoreError, Writer};
use ccm_runtime::Shell;

use crate::StandaloneConfig;
use crate::simulate;

/// What the three services stand on.
#[derive(Clone)]
pub struct Parts {
    /// Store, clock, bell.
    pub fleet: Fleet,
    /// AWS and the controllers, real or simulated.
    pub remotes: Remotes,
    /// Where the API hears events.
    pub feed: Arc<dyn EventFeed>,
    /// Name of this process, for people.
    pub process: String,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("process", &self.process).finish_non_exhaustive()
    }
}

/// Opens the store, makes the bus, and connects the world or simulates one.
///
/// # Errors
/// When the store cannot be opened or the world outside is not configured.
pub async fn connect(config: &StandaloneConfig, _shell: &Shell) -> anyhow::Result<Parts> {
    let store = ccm_store::open(&config.store_url()?.parse()?)?;
    let bus = LocalBus::default();
    let publisher: Arc<dyn EventPublisher> = Arc::new(bus.clone());
    let stores = store.stores();
    free_leases(&*stores.leases).await?;
    let clock = config.simulate.clock();
    let remotes = if config.simulate.is_on() {
        config.simulate.remotes(Arc::clone(&clock), publisher)
    } else {
        ccm_scheduler::wiring::remotes(&config.aws, &config.cml, publisher).await?
    };
    let fleet = Fleet { stores, clock, bell: Arc::new(bus.clone()) };
    let process = ccm_runtime::process_name(&config.admin, "standalone");
    Ok(Parts { fleet, remotes, feed: Arc::new(bus), process })
}

/// Gives back the leases of a process that died: the lock on the store proves that nobody holds them, so the
/// new one need not wait until they have stood still.
async fn free_leases(leases: &dyn LeaseStore) -> Result<(), StoreError> {
    for role in LeaseRole::ALL {
        if let Some(held) = leases.read(*role).await?.filter(|lease| !lease.released) {
            leases.release(*role, held.epoch).await?;
        }
    }
    Ok(())
}

/// Says what is wrong with a store's address, in a sentence.
///
/// # Errors
/// The sentence.
pub fn check_store(url: &str) -> Result<(), String> {
    url.parse::<ccm_store::Place>().map(drop).map_err(|err| format!("store.url: {err}"))
}

/// Gives a simulated fleet its settings when it has none yet; what a person changed stays.
///
/// # Errors
/// When the store fails.
pub async fn seed_settings(parts: &Parts) -> anyhow::Result<()> {
    let mut settings = simulate::settings(&parts.remotes);
    settings.rev = 1;
    match parts.fleet.stores.settings.insert(&settings, &[], Writer::Intent).await {
        Ok(()) | Err(StoreError::Taken(_)) => Ok(()),
        Err(err) => Err(err.into()),
    }
}
