//! What can be configured.

mod jobs;
mod remotes;

use ccm_config::section::{
    AdminSection, BusSection, DrainSection, EventsSection, StoreSection, TelemetrySection,
};
use ccm_runtime::ServiceConfig;
use serde::Deserialize;

pub use jobs::{JobSection, JobsSection, UnknownJob};
pub use remotes::{AccountSection, AwsSection, CmlSection};

/// The configuration of `ccm-scheduler`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// `[admin]`.
    pub admin: AdminSection,
    /// `[store]`.
    pub store: StoreSection,
    /// `[bus]`.
    pub bus: BusSection,
    /// `[events]`.
    pub events: EventsSection,
    /// `[aws]`.
    pub aws: AwsSection,
    /// `[cml]`.
    pub cml: CmlSection,
    /// `[jobs]`.
    pub jobs: JobsSection,
    /// `[telemetry]`.
    pub telemetry: TelemetrySection,
    /// `[drain]`.
    pub drain: DrainSection,
}

impl ServiceConfig for ProcessConfig {
    fn admin(&self) -> &AdminSection {
        &self.admin
    }

    fn telemetry(&self) -> &TelemetrySection {
        &self.telemetry
    }

    fn drain(&self) -> &DrainSection {
        &self.drain
    }

    fn check(&self) -> Vec<String> {
        let mut faults = self.jobs.check();
        faults.extend(self.aws.check());
        faults.extend(self.cml.check());
        #[cfg(feature = "distributed")]
        faults.extend(crate::wiring::check(self));
        faults
    }

    fn warnings(&self) -> Vec<String> {
        self.cml.warnings()
    }
}
