//! When a failed attempt is repeated, and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::seconds;

/// Where in its range a pause falls, 0 to 1000; comes in as a value, as nothing here rolls dice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter(u16);

/// How often a job is tried, and with which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, the first one among them.
    pub attempts: u32,
    /// Pause after the first failed attempt; doubles each time.
    #[serde(with = "seconds")]
    pub first: Duration,
    /// Longest pause.
    #[serde(with = "seconds")]
    pub most: Duration,
}

impl Jitter {
    /// Takes thousandths; more than 1000 are 1000.
    #[must_use]
    pub const fn per_mille(value: u16) -> Self {
        Self(if value > 1_000 { 1_000 } else { value })
    }
}

impl RetryPolicy {
    /// Returns the pause after the given failed attempt, which counts from 1.
    ///
    /// Half of it is fixed, so that a broken thing has its rest; half is spread, so that what failed
    /// together does not come back together.
    #[must_use]
    pub fn pause(&self, attempt: u32, jitter: Jitter) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.most);
        let half = full / 2;
        half + half * u32::from(jitter.0) / 1_000
    }
}
