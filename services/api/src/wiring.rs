//! The only file that names adapters.

use ccm_backplane::Sections;
use ccm_runtime::Shell;

use crate::{ApiConfig, Deps};

/// Returns what is wrong with the places where state is kept and events come from.
pub(crate) fn check(config: &ApiConfig) -> Vec<String> {
    ccm_backplane::check(&config.store, &config.bus)
}

/// Connects what the configuration names.
///
/// # Errors
/// When the configuration cannot be used, or the process is told to stop first.
pub async fn connect(config: &ApiConfig, shell: &Shell) -> anyhow::Result<Deps> {
    let ApiConfig { admin, store, bus, events, .. } = config;
    let member = ccm_backplane::join("api", Sections { admin, store, bus, events }, shell).await?;
    let ccm_backplane::Member { name: process, fleet, bus, tally } = member;
    Ok(Deps { fleet, feed: bus.feed, process, tally })
}
