//! The simulated world: a fleet behind the same ports, and a clock that may run fast.

use std::sync::Arc;

use ccm_app::{EndpointTemplate, Remotes};
use ccm_domain::{ImageQuery, Settings};
use ccm_ports::{Clock as _, EventPublisher, SharedClock, SystemClock};
use ccm_testkit::clock::FastClock;
use ccm_testkit::fleet::{ENDPOINT, FleetOptions, SimFleet};
use serde::Deserialize;

/// The most workers that are simulated; each costs memory, none costs a task.
const MOST_WORKERS: usize = 10_000;
/// Faster than this the jobs do not keep up with their own schedules.
const FASTEST: f64 = 1_000.0;

/// First schedules of a simulated fleet: nobody is charged for looking often, and there is more to see.
pub const QUICK_JOBS: &[(&str, &str)] = &[
    ("jobs.import_instances.enabled", "true"),
    ("jobs.import_instances.every", "60s"),
    ("jobs.observe_instances.every", "5s"),
    ("jobs.collect_measurements.every", "5s"),
    ("jobs.refresh_labs.every", "10s"),
    ("jobs.detect_activity.every", "30s"),
];

/// `[simulate]`: a world of our own instead of AWS and CML.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulateSection {
    /// How many workers; 0 asks the real world.
    pub workers: usize,
    /// How many times faster than real time.
    pub speed: f64,
    /// What the fleet follows from.
    pub seed: u64,
}

impl SimulateSection {
    /// Whether the world is simulated.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.workers > 0
    }

    /// Returns what is out of bounds.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.workers > MOST_WORKERS {
            faults.push(format!("simulate.workers must be at most {MOST_WORKERS}"));
        }
        if !(1.0..=FASTEST).contains(&self.speed) {
            faults.push(format!("simulate.speed must be between 1 and {FASTEST}"));
        }
        if self.speed > 1.0 && !self.is_on() {
            faults.push(
                "simulate.speed needs simulate.workers: the real world keeps its own time"
                    .to_owned(),
            );
        }
        faults
    }

    /// Returns the clock of the whole process.
    #[must_use]
    pub fn clock(&self) -> SharedClock {
        if self.is_on() && self.speed > 1.0 {
            return Arc::new(FastClock::new(SystemClock.now(), self.speed));
        }
        Arc::new(SystemClock)
    }

    /// Builds the world.
    #[must_use]
    pub fn remotes(&self, clock: SharedClock, publisher: Arc<dyn EventPublisher>) -> Remotes {
        let options =
            FleetOptions { workers: self.workers, seed: self.seed, ..FleetOptions::default() };
        let fleet = SimFleet::build(clock, &options);
        Remotes {
            compute: fleet.compute(),
            measure: fleet.measure(),
            cml: fleet.cml(),
            publisher,
            scopes: fleet.scopes(),
            endpoint: EndpointTemplate(ENDPOINT.to_owned()),
        }
    }
}

/// Returns settings under which a simulated fleet shows what the product does within minutes.
#[must_use]
pub fn settings(remotes: &Remotes) -> Settings {
    let mut settings = Settings::default();
    let idle = &mut settings.spec.idle;
    idle.timeout_s = 5 * 60;
    idle.snooze_s = 60;
    idle.warn_before_s = 2 * 60;
    let provisioning = &mut settings.spec.provisioning;
    provisioning.instance_type = "c5.2xlarge".parse().ok();
    provisioning.placement.image = Some(ImageQuery { id: None, name: Some("cml2-*".to_owned()) });
    settings.spec.import.rules = remotes
        .scopes
        .iter()
        .map(|scope| ccm_domain::settings::ImportRule {
            account: scope.account.clone(),
            region: scope.region.clone(),
            enabled: true,
            image_name: Some("*cml2*".to_owned()),
            tag: None,
            tag_value: None,
        })
        .collect();
    settings
}
