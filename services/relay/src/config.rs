//! How a relay works, and the configuration of `ccm-relay`.

use std::time::Duration;

use ccm_app::leadership::LeaseTimes;
use ccm_config::Span;
use ccm_config::section::{
    AdminSection, BusSection, DrainSection, EventsSection, HttpSection, InboundSection,
    StoreSection, TelemetrySection,
};
use ccm_runtime::ServiceConfig;
use serde::Deserialize;

use crate::SinkSection;

/// How a relay works.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// Changes that are moved at a time.
    pub batch: usize,
    /// How long a change may wait when no bell rang.
    pub poll: Duration,
    /// Events that a bus which forgot everything is filled with again.
    pub refill: u64,
    /// Durations of the lease.
    pub lease: LeaseTimes,
    /// Where events are sent outside.
    pub sinks: Vec<SinkSection>,
    /// How they are sent.
    pub delivery: DeliveryTimes,
}

/// How events are sent outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTimes {
    /// The longest that one attempt may take.
    pub timeout: Duration,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// For how long an event is tried.
    pub give_up: Duration,
}

impl RelayConfig {
    /// Returns how a process of its own works: an empty bus is filled with as much as it keeps.
    #[must_use]
    pub fn of(config: ProcessConfig) -> Self {
        let refill = u64::try_from(config.events.history).unwrap_or(u64::MAX);
        Self { refill, ..config.relay.into() }
    }

    /// Returns the configuration beside a bus inside the process: it forgets everything with the process, and
    /// the log is as near as its history.
    #[must_use]
    pub fn in_one_process(section: RelaySection) -> Self {
        Self { refill: 1_000, ..section.into() }
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        RelaySection {
            batch: 256,
            poll: Span::from_secs(1),
            sinks: Vec::new(),
            delivery: DeliverySection::default(),
            inbound: InboundSection::for_testing(),
        }
        .into()
    }
}

/// `[relay]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySection {
    /// Changes that are moved at a time.
    pub batch: usize,
    /// How long a change may wait when no bell rang.
    pub poll: Span,
    /// Where events are sent outside.
    pub sinks: Vec<SinkSection>,
    /// How they are sent.
    pub delivery: DeliverySection,
    /// Who may send events from outside.
    pub inbound: InboundSection,
}

/// `[relay.delivery]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverySection {
    /// The longest that one attempt may take.
    pub timeout: Span,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Span,
    /// The longest pause.
    pub longest_pause: Span,
    /// For how long an event is tried.
    pub give_up: Span,
}

impl RelaySection {
    /// Returns what is out of bounds.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut faults = SinkSection::check_all(&self.sinks);
        let DeliverySection { timeout, first_pause, longest_pause, give_up } = self.delivery;
        let second = Span::from_secs(1);
        if !(second..=Span::from_secs(60)).contains(&timeout) {
            faults.push("relay.delivery.timeout must be from 1s to 1m".to_owned());
        }
        if !(second..=longest_pause).contains(&first_pause) {
            faults.push("relay.delivery.first_pause must be from 1s to longest_pause".to_owned());
        }
        if give_up < longest_pause {
            faults.push("relay.delivery.give_up must be at least longest_pause".to_owned());
        }
        faults.extend(ccm_inbound::check(&self.inbound));
        faults
    }

    /// Returns what is legal but risky.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        SinkSection::warn_all(&self.sinks)
    }
}

impl Default for DeliverySection {
    fn default() -> Self {
        Self {
            timeout: Span::from_secs(15),
            first_pause: Span::from_secs(1),
            longest_pause: Span::from_secs(15 * 60),
            give_up: Span::from_secs(24 * 3_600),
        }
    }
}

impl From<RelaySection> for RelayConfig {
    fn from(section: RelaySection) -> Self {
        let RelaySection { batch, poll, sinks, delivery, inbound: _ } = section;
        Self {
            batch: batch.max(1),
            poll: poll.get(),
            refill: 100_000,
            lease: LeaseTimes::default(),
            sinks,
            delivery: DeliveryTimes {
                timeout: delivery.timeout.get(),
                first_pause: delivery.first_pause.get(),
                longest_pause: delivery.longest_pause.get(),
                give_up: delivery.give_up.get(),
            },
        }
    }
}

/// The configuration of `ccm-relay`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// `[http]`: where events from outside are taken.
    pub http: HttpSection,
    /// `[admin]`.
    pub admin: AdminSection,
    /// `[store]`.
    pub store: StoreSection,
    /// `[bus]`.
    pub bus: BusSection,
    /// `[events]`.
    pub events: EventsSection,
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

    fn warnings(&self) -> Vec<String> {
        self.relay.warnings()
    }

    fn check(&self) -> Vec<String> {
        let mut faults = self.relay.check();
        let Self { http, admin, .. } = self;
        if http.listen == admin.listen && http.listen.port() != 0 {
            faults.push("http.listen and admin.listen are the same".to_owned());
        }
        #[cfg(feature = "distributed")]
        faults.extend(crate::wiring::check(self));
        faults
    }
}
