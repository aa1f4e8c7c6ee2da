//! EC2 and CloudWatch as a model in simulated time.
//!
//! One model with two faces: it implements the ports `Compute` and `Measure` in process, and `ccm-sim-aws`
//! serves it on the wire. Both go through the same calls, so that faults, the ledger and the counters of
//! calls see both.
//!
//! **Invariant:** nothing moves by itself. Every state follows from the clock at the moment of the read.

mod calls;
mod chance;
mod console;
mod cpu;
mod error;
mod faults;
mod image;
mod launch;
mod ledger;
mod life;
mod machine;
mod ports;
mod rig;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ccm_domain::{Account, Image, InstanceId, Region, Scope, Timestamp};
use ccm_ports::SharedClock;

pub use calls::Transition;
pub use chance::Chance;
pub use console::Standing;
pub use cpu::Load;
pub use error::CloudError;
pub use faults::Faults;
pub use image::matches_pattern;
pub use ledger::{LedgerEntry, Outcome};
pub use life::Timings;
pub use machine::{MachineSeen, Reason};
pub use rig::Rig;

use faults::Bucket;
use launch::Launch;
use machine::Machine;

/// The number of the account that `self` stands for.
pub const OWN_ACCOUNT: &str = "123456789012";

/// A modelled cloud of any number of accounts and regions; starts empty.
pub struct Cloud {
    clock: SharedClock,
    timings: Timings,
    chance: Chance,
    /// When the simulation began; the images are older than that.
    epoch: Timestamp,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    machines: BTreeMap<Scope, BTreeMap<InstanceId, Machine>>,
    /// Where each instance is, also those that are forgotten.
    homes: HashMap<InstanceId, Scope>,
    /// What was launched under a token.
    launches: HashMap<(Scope, String), Launch>,
    ledger: Vec<LedgerEntry>,
    faults: Faults,
    buckets: HashMap<Scope, Bucket>,
    /// How often each action was called, refused calls included.
    calls: BTreeMap<&'static str, u64>,
    /// Instances made so far; the source of ids.
    made: u64,
    load: Option<Load>,
}

impl Cloud {
    /// Makes an empty cloud whose ids, addresses and delays follow from the seed.
    #[must_use]
    pub fn new(clock: SharedClock, seed: u64) -> Arc<Self> {
        Self::with_timings(clock, seed, Timings::default())
    }

    /// As [`Cloud::new`], with transitions that take other times.
    #[must_use]
    pub fn with_timings(clock: SharedClock, seed: u64, timings: Timings) -> Arc<Self> {
        let epoch = clock.now();
        let chance = Chance::new(seed).of("cloud");
        Arc::new(Self { clock, timings, chance, epoch, state: Mutex::default() })
    }

    /// Returns the simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Changes which faults are in force.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock().faults);
    }

    /// Returns the faults in force, with the counts that are left.
    #[must_use]
    pub fn faults_now(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Returns every RunInstances so far, oldest first.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.lock().ledger.clone()
    }

    /// Returns how often each action was called, refused calls included.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.lock().calls.clone()
    }

    /// Sets the count of all calls back to nothing.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Returns the accounts and regions that hold instances.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        self.lock().machines.keys().cloned().collect()
    }

    /// Returns what a region offers to launch from, in no order.
    #[must_use]
    pub fn images(&self, region: &Region) -> Vec<Image> {
        image::catalogue(self.chance, region, self.epoch)
    }

    /// Returns since when an instance runs, `None` while it does not; its controller boots from then on.
    #[must_use]
    pub fn powered_since(&self, id: &InstanceId) -> Option<Timestamp> {
        let now = self.now();
        let state = self.lock();
        let machine = state.machine(id)?;
        let (from, to) = machine.powered.last()?;
        (to.is_none() && *from <= now).then_some(*from)
    }

    /// Returns every instance that EC2 still shows, of all scopes, without a call being counted.
    #[must_use]
    pub fn all(&self) -> Vec<(Scope, MachineSeen)> {
        let now = self.now();
        let state = self.lock();
        let of_scope = |(scope, machines): (&Scope, &BTreeMap<InstanceId, Machine>)| {
            let scope = scope.clone();
            let seen: Vec<_> = machines.values().filter_map(|m| m.seen(now)).collect();
            seen.into_iter().map(move |seen| (scope.clone(), seen))
        };
        state.machines.iter().flat_map(of_scope).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("instances", &self.lock().homes.len()).finish_non_exhaustive()
    }
}

impl State {
    fn machine(&self, id: &InstanceId) -> Option<&Machine> {
        self.machines.get(self.homes.get(id)?)?.get(id)
    }

    fn machine_mut(&mut self, id: &InstanceId) -> Option<&mut Machine> {
        self.machines.get_mut(self.homes.get(id)?)?.get_mut(id)
    }

    /// Returns a scope's instance, an error when EC2 does not know it there.
    fn must_know(
        &mut self,
        scope: &Scope,
        id: &InstanceId,
        now: Timestamp,
    ) -> Result<&mut Machine, CloudError> {
        self.machines
            .get_mut(scope)
            .and_then(|machines| machines.get_mut(id))
            .filter(|machine| machine.state(now).is_some())
            .ok_or_else(|| CloudError::NoInstance(id.clone()))
    }
}

/// Returns the scope under which the model keeps things: `self` is an account with a number.
fn canonical(scope: &Scope) -> Scope {
    Scope { account: account_number(&scope.account), region: scope.region.clone() }
}

#[expect(clippy::expect_used, reason = "the constant has twelve digits")]
fn account_number(account: &Account) -> Account {
    if account.as_str() == "self" {
        OWN_ACCOUNT.parse().expect("an account of twelve digits")
    } else {
        account.clone()
    }
}
