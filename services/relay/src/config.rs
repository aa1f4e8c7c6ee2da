//! How a relay works, and the configuration of `ccm-relay`.

use std::time::Duration;

use ccm_app::leadership::LeaseTimes;
use ccm_config::Span;
use ccm_config::section::{AdminSection, BusSection, DrainSection, StoreSection, TelemetrySection};
use ccm_runtime::ServiceConfig;
use serde::Deserialize;

/// How a relay works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// Changes that are moved at a time.
    pub batch: usize,
    /// How long a change may wait when no bell rang.
    pub poll: Duration,
    /// Events that a bus which forgot everything is filled with again.
    pub refill: u64,
    /// Durations of the lease.
    pub lease: LeaseTimes,
}

impl RelayConfig {
    /// Returns the configuration beside a bus inside the process: it forgets everything with the process, and
    /// the log is as near as its history.
    #[must_use]
    pub fn in_one_process() -> Self {
        Self { refill: 1_000, ..Self::default() }
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        RelaySection { batch: 256, poll: Span::from_secs(1), refill: 100_000 }.into()
    }
}

/// `[relay]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySection {
    /// Changes that are moved at a time.
    pub batch: usize,
    /// How long a change may wait when no bell rang.
    pub poll: Span,
    /// Events that a bus which forgot everything is filled with again.
    pub refill: u64,
}

impl From<RelaySection> for RelayConfig {
    fn from(section: RelaySection) -> Self {
        let RelaySection { batch, poll, refill } = section;
        Self { batch: batch.max(1), poll: poll.get(), refill, lease: LeaseTimes::default() }
    }
}

/// The configuration of `ccm-relay`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// `[admin]`.
    pub admin: AdminSection,
    /// `[store]`.
    pub store: StoreSection,
    /// `[bus]`.
    pub bus: BusSection,
    /// `[relay]`.
    pub relay: RelaySection,
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
        let mut faults = Vec::new();
        let store = self.store.url.scheme();
        match store {
            "memory" | "embedded" => faults.push(format!(
                "store.url = \"{store}:…\" is a store inside one process: \
                 `memory:` and `embedded:` stores live in ccm-standalone only"
            )),
            _ => faults.push(format!(
                "store.url: this build has no adapter for \"{store}\" stores; run ccm-standalone"
            )),
        }
        match self.bus.url.scheme() {
            "local" => faults.push(
                "bus.url = \"local:\" is a bus inside one process: it lives in ccm-standalone only"
                    .to_owned(),
            ),
            bus => faults.push(format!(
                "bus.url: this build has no adapter for \"{bus}\" buses; run ccm-standalone"
            )),
        }
        faults
    }
}
