//! The model as the world of the contract suite, behind whichever adapter is under test.

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{Scope, Timestamp};
use ccm_ports::contract::compute::{Outside, World};
use ccm_ports::{Clock, Compute, Measure};

use super::Cloud;
use crate::clock::MovedClock;

/// A modelled cloud on a clock that the suite moves, and an adapter in front of it.
pub struct Rig {
    cloud: Arc<Cloud>,
    clock: Arc<MovedClock>,
    compute: Arc<dyn Compute>,
    measure: Arc<dyn Measure>,
}

impl Rig {
    /// Makes a cloud and a clock that stands at noon of some day.
    #[must_use]
    pub fn cloud() -> (Arc<Cloud>, Arc<MovedClock>) {
        let noon = Timestamp::from_millis(1_780_142_400_000);
        let clock = Arc::new(MovedClock::at(noon));
        (Cloud::new(Arc::clone(&clock) as Arc<dyn Clock>, 7), clock)
    }

    /// Puts the model itself under test.
    #[must_use]
    pub fn in_process() -> Self {
        let (cloud, clock) = Self::cloud();
        let (compute, measure) = (Arc::clone(&cloud), Arc::clone(&cloud));
        Self { cloud, clock, compute, measure }
    }

    /// Puts an adapter under test that reaches the cloud in its own way.
    #[must_use]
    pub fn around(
        cloud: Arc<Cloud>,
        clock: Arc<MovedClock>,
        compute: Arc<dyn Compute>,
        measure: Arc<dyn Measure>,
    ) -> Self {
        Self { cloud, clock, compute, measure }
    }
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig").field("cloud", &self.cloud).finish_non_exhaustive()
    }
}

impl World for Rig {
    fn compute(&self) -> &dyn Compute {
        &*self.compute
    }

    fn measure(&self) -> &dyn Measure {
        &*self.measure
    }

    fn scope(&self) -> Scope {
        scope("eu-central-1")
    }

    fn elsewhere(&self) -> Scope {
        scope("us-west-2")
    }

    fn now(&self) -> Timestamp {
        self.cloud.now()
    }

    fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    #[expect(clippy::expect_used, reason = "a suite: to fail is to panic")]
    fn happens(&self, what: Outside) {
        let cloud = &self.cloud;
        match what {
            Outside::ThrottleNext(n) => cloud.faults(|faults| faults.throttle_next = n),
            Outside::NoCapacityNext(n) => cloud.faults(|faults| faults.capacity_next = n),
            Outside::QuotaNext(n) => cloud.faults(|faults| faults.quota_next = n),
            Outside::LaunchAnswerLostNext(n) => {
                cloud.faults(|faults| faults.launch_answer_lost_next = n);
            }
            Outside::LaunchDiesNext(n) => cloud.faults(|faults| faults.launch_dies_next = n),
            Outside::Deny(action) => {
                cloud.faults(|faults| {
                    faults.denied.insert(action.to_owned());
                });
            }
            Outside::RegionDown(region) => {
                cloud.faults(|faults| {
                    faults.regions_down.insert(region);
                });
            }
            Outside::AllWell => cloud.faults(|faults| *faults = super::Faults::default()),
            Outside::ConsoleStops(id) => cloud.stop_as_console(&id).expect("it runs"),
            Outside::ConsoleTerminates(id) => cloud.terminate_as_console(&id).expect("it is there"),
            Outside::ConsoleProtects(id) => cloud.protect(&id, true).expect("it is there"),
        }
    }
}

#[expect(clippy::expect_used, reason = "the regions of the suite are well formed")]
fn scope(region: &str) -> Scope {
    Scope { account: ccm_domain::Account::default(), region: region.parse().expect("a region") }
}
