//! `[sse]`: how streams are kept.

use std::time::Duration;

use ccm_config::{Size, Span};
use serde::Deserialize;

/// `[sse]`: how streams are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SseSection {
    /// Between two signs of life on a quiet stream.
    pub heartbeat: Span,
    /// How long a stream lasts, give or take a fifth.
    pub max_age: Span,
    /// Between two looks whether other processes have fewer streams; 0 for none.
    pub rebalance: Span,
    /// Streams at the same time.
    pub max_clients: usize,
    /// Bytes that wait for one client before it is disconnected.
    pub max_pending_bytes: Size,
}

/// The shortest time in which a surplus is ended, has come back elsewhere and was told of.
const SOONEST_REBALANCE: Duration = Duration::from_secs(10);

impl SseSection {
    /// Returns what cannot be meant, one sentence each.
    pub(crate) fn check(&self) -> Vec<String> {
        let rebalance = self.rebalance.get();
        let is_meant = rebalance.is_zero() || rebalance >= SOONEST_REBALANCE;
        let fault = "sse.rebalance is shorter than 10s; \"0s\" is for never";
        (!is_meant).then(|| fault.to_owned()).into_iter().collect()
    }

    /// Returns a section for tests: a quick heartbeat, and streams that soon end by themselves.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            heartbeat: Span::from_millis(50),
            max_age: Span::from_millis(200),
            rebalance: Span::from_secs(15),
            max_clients: 1000,
            max_pending_bytes: Size::from_bytes(1 << 20),
        }
    }
}
