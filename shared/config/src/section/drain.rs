//! `[drain]`: how long each phase of stopping may take.

use std::time::Duration;

use serde::Deserialize;

use crate::Span;

/// `[drain]`: the longest time for each phase of stopping, in the order they run.
///
/// The sum ([`DrainSection::total`]) must stay below the grace period of whoever stops the process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainSection {
    /// Not ready but still serving, so that load balancers notice.
    pub delay: Span,
    /// Live streams end, spread over this time. Runs beside `jobs`.
    pub streams: Span,
    /// Running requests finish after the listener has stopped.
    pub requests: Span,
    /// Running jobs finish. Runs beside `streams`.
    pub jobs: Span,
}

impl DrainSection {
    /// Time that tasks, and after them stores and buses, get to end when nobody waits any more.
    ///
    /// No option: what needs longer hangs.
    pub const LAST_STEP: Duration = Duration::from_secs(3);

    /// Returns the longest time that stopping takes, all phases together.
    #[must_use]
    pub fn total(&self) -> Duration {
        let beside_each_other = self.streams.get().max(self.jobs.get());
        self.delay.get() + beside_each_other + self.requests.get() + 2 * Self::LAST_STEP
    }

    /// Returns a section for tests: no delay, short phases.
    #[must_use]
    pub fn for_testing() -> Self {
        let short = Span::from_millis(500);
        Self { delay: Span::from_millis(0), streams: short, requests: short, jobs: short }
    }
}
