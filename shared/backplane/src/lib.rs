#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ccm_app::{Fleet, Presence, Tally};
use ccm_bus::{Bus, Namespace};
use ccm_config::section::{AdminSection, BusSection, EventsSection, StoreSection};
use ccm_ports::StoreProbe;
use ccm_runtime::Shell;
use ccm_runtime::build::BUILD;
use ccm_store::{OpenOptions, SecretKey};

/// How often the bus is asked for a sign of life.
const BUS_LOOK: Duration = Duration::from_secs(2);

/// What names the shared parts in a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Sections<'a> {
    /// `[admin]`: what the process is called.
    pub admin: &'a AdminSection,
    /// `[store]`.
    pub store: &'a StoreSection,
    /// `[bus]`.
    pub bus: &'a BusSection,
    /// `[events]`.
    pub events: &'a EventsSection,
}

/// A process among others.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it is called, for people.
    pub name: String,
    /// The use cases, on the shared store and its clock.
    pub fleet: Fleet,
    /// How events and hints travel.
    pub bus: Bus,
    /// Where it counts its streams for the others.
    pub tally: Tally,
}

/// Returns what is wrong with the places of store and bus, a sentence for each fault.
#[must_use]
pub fn check(store: &StoreSection, bus: &BusSection) -> Vec<String> {
    let mut faults = Vec::new();
    match store.url.expose().parse::<ccm_store::Place>() {
        Ok(place) if place.is_shared() => {}
        Ok(_) => faults.push(format!(
            "store.url = \"{}:…\" is a store inside one process, which ccm-standalone has; \
             several processes share a 'mongodb://HOST/DATABASE'",
            store.url.scheme()
        )),
        Err(err) => faults.push(format!("store.url: {err}")),
    }
    match bus.url.expose().parse() {
        Ok(ccm_bus::Place::Redis(_)) => {}
        Ok(ccm_bus::Place::Local) => faults.push(
            "bus.url = \"local:\" is a bus inside one process, which ccm-standalone has; \
             several processes share a 'redis://HOST:PORT'"
                .to_owned(),
        ),
        Err(err) => faults.push(format!("bus.url: {err}")),
    }
    faults.extend(namespace(bus).err().map(|err| format!("bus.namespace: {err}")));
    faults.extend(secret_key(store).err().map(|err| format!("store.secret_key: {err}")));
    faults
}

/// Connects to the store, waiting for one that is away, and opens the bus, which may be away.
///
/// From then on `/readyz` asks the store for a sign of life, and the process tells of itself until it leaves.
///
/// # Errors
/// When the configuration cannot be used, see [`check`], or the process is told to stop first.
pub async fn join(
    role: &'static str,
    sections: Sections<'_>,
    shell: &Shell,
) -> anyhow::Result<Member> {
    let Sections { admin, store, bus, events } = sections;
    let place: ccm_store::Place = store.url.expose().parse().context("store.url")?;
    let options = OpenOptions { timeout: store.timeout.get(), secret_key: secret_key(store)? };
    let open = || async { Ok(ccm_store::open(&place, options.clone()).await?) };
    let opened = shell.connect("store", open).await?;
    watch_store(Arc::clone(&opened.stores.probe), shell);
    let place = bus.url.expose().parse().context("bus.url")?;
    let bus = ccm_bus::open(&place, &namespace(bus)?, events.history)?;
    watch_bus(&bus, shell);
    let bell = Arc::clone(&bus.bell);
    let member = Member {
        name: ccm_runtime::process_name(admin, role),
        fleet: Fleet { stores: opened.stores, clock: opened.clock, bell },
        bus,
        tally: Tally::new(),
    };
    tell_of(&member, role, shell);
    Ok(member)
}

fn watch_store(probe: Arc<dyn StoreProbe>, shell: &Shell) {
    shell.ready.probe("store", move || {
        let probe = Arc::clone(&probe);
        async move { probe.ping().await.map_err(|err| format!("{:#}", anyhow::Error::new(err))) }
    });
}

/// Without the bus everything still works, only later: it degrades, and does not take a process away.
fn watch_bus(bus: &Bus, shell: &Shell) {
    let (latch, publisher) = (shell.ready.advisory("bus"), Arc::clone(&bus.publisher));
    let stop = shell.stopping();
    let watch = async move {
        loop {
            match publisher.last().await {
                Ok(_) => latch.open(),
                Err(err) => latch.close(format!("{:#}", anyhow::Error::new(err))),
            }
            tokio::time::sleep(BUS_LOOK).await;
        }
    };
    shell.tasks.spawn("bus-watch", async move {
        stop.run_until_cancelled(watch).await;
    });
}

fn tell_of(member: &Member, role: &'static str, shell: &Shell) {
    let who = Presence {
        name: member.name.clone(),
        roles: vec![role],
        version: BUILD.version,
        commit: BUILD.commit,
        tally: member.tally.clone(),
    };
    let (fleet, ready, leave) = (member.fleet.clone(), shell.ready.clone(), shell.stopping());
    shell.tasks.spawn("presence", async move {
        fleet.stay_present(who, &leave, async || ready.check().await.parts).await;
    });
}

fn namespace(bus: &BusSection) -> Result<Namespace, ccm_bus::InvalidNamespace> {
    bus.namespace.parse()
}

fn secret_key(store: &StoreSection) -> Result<Option<SecretKey>, ccm_store::InvalidSecretKey> {
    store.secret_key.as_ref().map(|key| key.expose().parse()).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ccm_config::SecretUrl;

    fn faults(store: &str, bus: &str) -> String {
        let store = StoreSection { url: SecretUrl::from(store), ..StoreSection::for_testing() };
        let bus = BusSection { url: SecretUrl::from(bus), ..BusSection::for_testing() };
        check(&store, &bus).join("\n")
    }

    #[test]
    fn places_inside_one_process_are_refused_with_what_to_write_instead() {
        assert_eq!(faults("mongodb://u:secret@db/ccm", "redis://cache"), "");

        let told = faults("embedded:ccm.db", "local:");
        assert!(told.contains("store.url") && told.contains("mongodb://"), "{told}");
        assert!(told.contains("bus.url") && told.contains("redis://"), "{told}");
    }

    #[test]
    fn what_is_no_place_is_refused_without_repeating_it() {
        let told = faults("mongodb://u:secret@db", "http://u:secret@cache");

        assert!(told.contains("store.url: ") && told.contains("bus.url: "), "{told}");
        assert!(!told.contains("secret@"), "{told}");
    }
}
