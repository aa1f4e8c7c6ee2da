//! Model of many CML controllers in simulated time, behind [`ccm_ports::CmlApi`] and behind `sim-cml`.
//!
//! Power comes from outside ([`Power`]); labs and licence survive a power cycle, running labs stop.
//! **Invariant:** nothing runs in the background; every read brings the controller up to the clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ccm_domain::{InstanceId, Timestamp};
use ccm_ports::{Controller, SharedClock};

use crate::people::{Act, Deed, Habit};

pub mod accounts;
mod api;
pub mod boot;
pub mod definitions;
pub mod element_ops;
pub mod faults;
pub mod feed;
pub mod host;
mod lab_ops;
pub mod labs;
pub mod license;
pub mod load;
pub mod refusal;
mod samples;
pub mod topology;

pub use boot::{BootTimes, Stage};
pub use faults::Fault;
pub use feed::TimeForm;
pub use host::Host;
pub use refusal::Refusal;

/// Tells which instances have power, and since when.
pub trait Power: Send + Sync {
    /// Returns when the instance last got power, `None` while it has none.
    fn powered_since(&self, id: &InstanceId) -> Option<Timestamp>;
}

impl<F> Power for F
where
    F: Fn(&InstanceId) -> Option<Timestamp> + Send + Sync,
{
    fn powered_since(&self, id: &InstanceId) -> Option<Timestamp> {
        self(id)
    }
}

/// What is the same for all controllers of a model.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// CML version that they show.
    pub version: String,
    /// Login of the administrator.
    pub username: String,
    /// Password of the administrator.
    pub password: String,
    /// How fast they boot.
    pub boot: BootTimes,
    /// How they write times in telemetry.
    pub time_form: TimeForm,
    /// Which world: ids, labs and people follow from it.
    pub seed: u64,
    /// Whether people use them.
    pub people: bool,
    /// One habit for all people instead of a mixture.
    pub habit: Option<Habit>,
    /// Whether they are registered at the licence server from the start.
    pub licensed: bool,
    /// How long a caller waits in process for a controller that hangs, in the machine's time.
    pub patience: Duration,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            version: "2.9.0+build.6".to_owned(),
            username: "admin".to_owned(),
            password: "admin".to_owned(),
            boot: BootTimes::default(),
            time_form: TimeForm::default(),
            seed: 1,
            people: true,
            habit: None,
            licensed: false,
            patience: Duration::from_secs(10),
        }
    }
}

/// How a controller can be reached at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// How much later than usual it answers.
    pub delay: Duration,
    /// What it answers.
    pub way: Way,
    /// What its own clock shows.
    pub clock: Timestamp,
}

/// What a call to a controller meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// Nothing listens, or the connection breaks.
    Closed,
    /// No answer ever comes.
    Hangs,
    /// Every call fails with this status.
    Fails(u16),
    /// An answer comes that cannot be used.
    Spoiled(Fault),
    /// The controller itself answers.
    Open,
}

/// The controllers of a fleet.
pub struct LabHosts {
    clock: SharedClock,
    power: Arc<dyn Power>,
    options: HostOptions,
    hosts: RwLock<BTreeMap<InstanceId, Arc<Mutex<Host>>>>,
}

impl std::fmt::Debug for LabHosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabHosts").field("options", &self.options).finish_non_exhaustive()
    }
}

impl LabHosts {
    /// Makes a world in which a controller appears with the first power of its instance.
    pub fn new(clock: SharedClock, power: Arc<dyn Power>, options: HostOptions) -> Self {
        let hosts = RwLock::new(BTreeMap::new());
        Self { clock, power, options, hosts }
    }

    /// Makes a world of the given controllers, powered since the given moment for ever.
    #[must_use]
    pub fn always_on(
        clock: SharedClock,
        ids: &[InstanceId],
        since: Timestamp,
        options: HostOptions,
    ) -> Self {
        let known = ids.to_vec();
        let power = move |id: &InstanceId| known.contains(id).then_some(since);
        let world = Self::new(clock, Arc::new(power), options);
        for id in ids {
            world.host(id);
        }
        world
    }

    /// Returns the options.
    #[must_use]
    pub const fn options(&self) -> &HostOptions {
        &self.options
    }

    /// Returns the clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the controllers seen so far.
    #[must_use]
    pub fn ids(&self) -> Vec<InstanceId> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Uses a controller, brought up to the clock. `None` when its instance never had power.
    ///
    /// Looks behind the wire: neither power nor faults keep the caller away; see [`Self::reach`].
    pub fn visit<T>(
        &self,
        id: &InstanceId,
        look: impl FnOnce(&mut Host, Timestamp) -> T,
    ) -> Option<T> {
        let host = self.host(id)?;
        // Asked before the controller is locked: a cloud model may look at the controller in turn.
        let power = self.power.powered_since(id);
        let mut host = host.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        host.settle(&self.options, power, now);
        Some(look(&mut host, now))
    }

    /// Says how a controller can be reached.
    #[must_use]
    pub fn reach(&self, id: &InstanceId) -> Reach {
        let closed = || Reach { delay: Duration::ZERO, way: Way::Closed, clock: self.now() };
        self.visit(id, |host, now| {
            let mut delay = Duration::ZERO;
            let mut way = match host.stage {
                Stage::Off | Stage::Dark => Way::Closed,
                Stage::BadGateway => Way::Fails(502),
                Stage::Starting | Stage::Ready => Way::Open,
            };
            for fault in host.faults.at(now) {
                match fault {
                    Fault::Unreachable => way = Way::Closed,
                    Fault::Hang => way = Way::Hangs,
                    Fault::Slow { millis } => delay += Duration::from_millis(millis),
                    Fault::Status { status } => way = Way::Fails(status),
                    Fault::Garbage | Fault::Flood => way = Way::Spoiled(fault),
                    Fault::ClockSkew { .. }
                    | Fault::TokensRefused
                    | Fault::LicenseServerAway
                    | Fault::LicenseAgentBusy => {}
                }
            }
            Reach { delay, way, clock: host.faults.controller_time(now) }
        })
        .unwrap_or_else(closed)
    }

    /// Lets something go wrong with a controller, for a span or for ever.
    pub fn inject(&self, id: &InstanceId, fault: Fault, lasts: Option<Duration>) {
        self.plan(id, fault, Duration::ZERO, lasts);
    }

    /// Plans something to go wrong with a controller after a while, for a span or for ever.
    pub fn plan(&self, id: &InstanceId, fault: Fault, after: Duration, lasts: Option<Duration>) {
        self.visit(id, |host, now| {
            let from = now.plus(after);
            host.faults.add(fault, from, lasts.map(|span| from.plus(span)));
        });
    }

    /// Ends all faults of a controller.
    pub fn heal(&self, id: &InstanceId) {
        self.visit(id, |host, _| host.faults.clear());
    }

    /// Lets a person do something now.
    pub fn act(&self, id: &InstanceId, deed: Deed) {
        self.visit(id, |host, at| {
            let pick = host.crew.dice(at.as_millis().unsigned_abs());
            host.perform(Act { at, person: 0, deed, pick });
        });
    }

    /// Returns when a person last used a controller: the truth that idle detection tries to find.
    #[must_use]
    pub fn last_use(&self, id: &InstanceId) -> Option<Timestamp> {
        self.visit(id, |host, _| host.last_use()).flatten()
    }

    /// Returns the CPU use that labs cause, percent, for a cloud model's metrics.
    ///
    /// Asks nobody for power and brings nothing up to the clock, so the cloud model may call it
    /// from within itself.
    #[must_use]
    pub fn cpu(&self, id: &InstanceId, at: Timestamp) -> Option<f64> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let host = Arc::clone(hosts.get(id)?);
        drop(hosts);
        let host = host.lock().unwrap_or_else(PoisonError::into_inner);
        Some(host.load(at).cpu)
    }

    fn host(&self, id: &InstanceId) -> Option<Arc<Mutex<Host>>> {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if known.is_some() {
            return known;
        }
        let since = self.power.powered_since(id)?;
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let host = hosts
            .entry(id.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Host::new(id.clone(), &self.options, since))));
        Some(Arc::clone(host))
    }
}

/// Returns the instance that an endpoint such as `http://127.0.0.1:9000/i-0abcd123/` leads to.
#[must_use]
pub fn instance_of(at: &Controller) -> Option<InstanceId> {
    at.endpoint.trim_end_matches('/').rsplit('/').next()?.parse().ok()
}
