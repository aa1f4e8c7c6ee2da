//! `[store]` and `[bus]`: where state is kept and events are passed on.

use serde::Deserialize;

use crate::{SecretUrl, Span};

/// `[store]`: where documents, leases, runs and the event log are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection {
    /// `mongodb://…/db`, `embedded:PATH` or `memory:`.
    pub url: SecretUrl,
    /// The longest one call may take before it counts as unavailable.
    pub timeout: Span,
}

/// `[bus]`: how events get from the relay to the API processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusSection {
    /// `redis://…`, `rediss://…`, `redis-sentinel://…`, `redis-cluster://…` or `local:`.
    pub url: SecretUrl,
}

impl StoreSection {
    /// Returns a section for tests: an empty store in memory.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { url: SecretUrl::from("memory:"), timeout: Span::from_secs(2) }
    }
}

impl BusSection {
    /// Returns a section for tests: a bus inside the process.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { url: SecretUrl::from("local:") }
    }
}
