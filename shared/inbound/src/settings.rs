//! `[relay.inbound]`, as the use case wants it.

use ccm_app::InboundOptions;
use ccm_config::section::InboundSection;
use ccm_events::signature::InvalidKey;

/// Returns what is wrong with the section; no secret is repeated.
#[must_use]
pub fn check(section: &InboundSection) -> Vec<String> {
    let mut faults = section.check();
    if let Err(err) = options(section) {
        faults.push(format!("relay.inbound.secret: {err}"));
    }
    faults
}

/// Reads how events from outside are taken.
pub(crate) fn options(section: &InboundSection) -> Result<InboundOptions, InvalidKey> {
    let InboundSection { secret, bearer, rate, origins } = section;
    InboundOptions::read(secret.expose(), bearer.expose(), *rate, origins.clone())
}
