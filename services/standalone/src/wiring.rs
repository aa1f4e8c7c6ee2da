//! The only file that names adapters.

use std::sync::Arc;

use ccm_app::{Fleet, Presence, Remotes, Tally};
use ccm_bus::LocalBus;
use ccm_ports::{EventFeed, EventPublisher, LeaseRole, LeaseStore, StoreError, Writer};
use ccm_runtime::Shell;
use ccm_runtime::build::BUILD;
use ccm_store::{OpenOptions, Place};

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
    /// Where it counts its streams.
    pub tally: Tally,
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
pub async fn connect(config: &StandaloneConfig, shell: &Shell) -> anyhow::Result<Parts> {
    let place = inside(&config.store_url()?).map_err(anyhow::Error::msg)?;
    let stores = ccm_store::open(&place, OpenOptions::default()).await?.stores;
    let bus = LocalBus::default();
    let publisher: Arc<dyn EventPublisher> = Arc::new(bus.clone());
    free_leases(&*stores.leases).await?;
    let clock = config.simulate.clock();
    let remotes = if config.simulate.is_on() {
        config.simulate.remotes(Arc::clone(&clock), publisher)
    } else {
        ccm_scheduler::wiring::remotes(&config.aws, &config.cml, publisher).await?
    };
    let fleet = Fleet { stores, clock, bell: Arc::new(bus.clone()) };
    let process = ccm_runtime::process_name(&config.admin, "standalone");
    let tally = Tally::new();
    tell_of(&fleet, &process, tally.clone(), shell);
    Ok(Parts { fleet, remotes, feed: Arc::new(bus), process, tally })
}

/// Lets the system's page show this process.
fn tell_of(fleet: &Fleet, name: &str, tally: Tally, shell: &Shell) {
    let who = Presence {
        name: name.to_owned(),
        roles: vec!["api", "scheduler", "relay"],
        version: BUILD.version,
        commit: BUILD.commit,
        tally,
    };
    let (fleet, ready, leave) = (fleet.clone(), shell.ready.clone(), shell.stopping());
    shell.tasks.spawn("presence", async move {
        fleet.stay_present(who, &leave, async || ready.check().await.parts).await;
    });
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
    inside(url).map(drop)
}

/// Reads the address of a store that this process has for itself.
fn inside(url: &str) -> Result<Place, String> {
    match url.parse::<Place>() {
        Ok(place) if place.is_shared() => Err(
            "store.url: ccm-standalone has its store to itself; use 'embedded:PATH' or 'memory:'"
                .to_owned(),
        ),
        Ok(place) => Ok(place),
        Err(err) => Err(format!("store.url: {err}")),
    }
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
