//! What goes wrong in the modelled cloud, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use ccm_domain::{InstanceType, Region, Timestamp};
use serde::{Deserialize, Serialize};

use super::CloudError;

/// Faults in force; the default has none. Also the form of `sim-aws --faults` and of `POST /_sim/faults`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The next so many calls are throttled.
    pub throttle_next: u32,
    /// This share of all calls is throttled, 0 to 1.
    pub throttle_share: f64,
    /// More calls a second than this, counted per account and region in simulated time, are throttled.
    pub calls_per_second: Option<f64>,
    /// The next so many launches and starts find no capacity.
    pub capacity_next: u32,
    /// Launches and starts of these types find no capacity.
    pub capacity_types: BTreeSet<InstanceType>,
    /// The next so many launches exceed the vCPU quota.
    pub quota_next: u32,
    /// The next so many launched instances die while they are pending.
    pub launch_dies_next: u32,
    /// These actions are denied, such as `StopInstances`; `*` denies all.
    pub denied: BTreeSet<String>,
    /// These regions do not answer.
    pub regions_down: BTreeSet<Region>,
    /// The next so many calls are answered with 503 and do nothing.
    pub unavailable_next: u32,
    /// The next so many launches take place but their answer is lost.
    pub launch_answer_lost_next: u32,
    /// Every call takes this much longer, in milliseconds of simulated time.
    pub delay_ms: u64,
}

impl Faults {
    /// How much longer every call takes.
    pub(super) const fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Refuses a launch or start of a type that has no capacity.
    pub(super) fn must_have_capacity(&mut self, wanted: &InstanceType) -> Result<(), CloudError> {
        if self.capacity_types.contains(wanted) || take(&mut self.capacity_next) {
            return Err(CloudError::NoCapacity(wanted.clone()));
        }
        Ok(())
    }

    pub(super) fn denies(&self, action: &str) -> bool {
        self.denied.contains(action) || self.denied.contains("*")
    }
}

/// Takes one off a count of things to go wrong; says whether there was one.
pub(super) const fn take(count: &mut u32) -> bool {
    if *count == 0 {
        return false;
    }
    *count -= 1;
    true
}

/// Calls that a scope may still make, refilled with simulated time.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    filled_at: Timestamp,
}

impl Bucket {
    /// Starts full: one second's worth of calls.
    pub(super) const fn full(per_second: f64, now: Timestamp) -> Self {
        Self { tokens: per_second.max(1.0), filled_at: now }
    }

    /// Takes one call out; says whether there was one.
    pub(super) fn draw(&mut self, per_second: f64, now: Timestamp) -> bool {
        let refill = now.since(self.filled_at).as_secs_f64() * per_second;
        self.tokens = (self.tokens + refill).min(per_second.max(1.0));
        self.filled_at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}
