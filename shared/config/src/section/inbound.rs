//! `[relay.inbound]`: who may send events from outside.

use serde::Deserialize;

use crate::Secrets;

/// `[relay.inbound]`: events from outside, refused unless a secret is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundSection {
    /// Secrets of Standard Webhooks, `whsec_…`; several while one is replaced.
    #[serde(default)]
    pub secret: Secrets,
    /// Bearer tokens, for senders that cannot sign; several while one is replaced.
    #[serde(default)]
    pub bearer: Secrets,
    /// Events that this process takes in a minute.
    pub rate: u32,
    /// Names of senders that are given consent when they ask for it first; `*` for all.
    pub origins: Vec<String>,
}

/// `[relay]` of a process that does nothing of it but take events from outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundOnlySection {
    /// `[relay.inbound]`.
    pub inbound: InboundSection,
}

impl InboundSection {
    /// A bearer token shorter than this can be guessed.
    const SHORTEST_BEARER: usize = 16;

    /// Returns what is out of bounds; no secret is repeated.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.rate == 0 {
            faults.push("relay.inbound.rate must be at least 1 event in a minute".to_owned());
        }
        if self.bearer.expose().any(|token| token.len() < Self::SHORTEST_BEARER) {
            faults.push(format!(
                "relay.inbound.bearer must have at least {} characters",
                Self::SHORTEST_BEARER
            ));
        }
        faults
    }

    /// Returns a section for tests: closed.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            secret: Secrets::default(),
            bearer: Secrets::default(),
            rate: 300,
            origins: Vec::new(),
        }
    }
}
