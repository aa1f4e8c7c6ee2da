//! `[store]`, `[bus]` and `[events]`: where state is kept, how events are passed on.

use serde::Deserialize;

use crate::{Secret, SecretUrl, Span};

/// `[store]`: where documents, leases, runs and the event log are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection {
    /// `mongodb://…/db`, `embedded:PATH` or `memory:`.
    pub url: SecretUrl,
    /// The longest one call may take before it counts as unavailable.
    pub timeout: Span,
    /// Base64 of the 32 bytes that secrets are encrypted with in a store that several processes share.
    #[serde(default)]
    pub secret_key: Option<Secret>,
}

/// `[bus]`: how events get from the relay to the API processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusSection {
    /// `redis://…`, `rediss://…`, `redis-sentinel://…`, `redis-cluster://…` or `local:`.
    pub url: SecretUrl,
    /// Sets installations apart that share their servers.
    pub namespace: String,
}

/// `[events]`: what of the past is near at hand.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsSection {
    /// Events that the bus keeps; older ones are read from the store.
    pub history: usize,
}

impl StoreSection {
    /// Returns a section for tests: an empty store in memory.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { url: SecretUrl::from("memory:"), timeout: Span::from_secs(2), secret_key: None }
    }
}

impl BusSection {
    /// Returns a section for tests: a bus inside the process.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { url: SecretUrl::from("local:"), namespace: "main".to_owned() }
    }
}

impl EventsSection {
    /// Returns a section for tests: a short past.
    #[must_use]
    pub const fn for_testing() -> Self {
        Self { history: 1_000 }
    }
}
