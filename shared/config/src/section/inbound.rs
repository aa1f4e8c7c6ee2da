//! `[relay.inbound]`: who may send events from outside.

use serde::Deserialize;

use crate::Secrets;

/// `[relay.inbound]`: events from outside, refused unless a secret is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InboundSection {
    /// Secrets of Standard Webhooks, `whsec_…`; several while one is replaced.
    pub secret: Secrets,
    /// Bearer tokens, for senders that cannot sign; several while one is replaced.
    pub bearer: Secrets,
    /// Events that this process takes in a minute.
    pub rate: u32,
    /// Names of senders that an abuse-protection handshake is answered with consent; `*` for all.
    pub origins: Vec<String>,
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
}

impl Default for InboundSection {
    fn default() -> Self {
        Self {
            secret: Secrets::default(),
            bearer: Secrets::default(),
            rate: 600,
            origins: Vec::new(),
        }
    }
}
