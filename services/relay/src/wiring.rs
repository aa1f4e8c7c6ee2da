//! The only file that names adapters.

use ccm_backplane::Sections;
use ccm_runtime::Shell;

use crate::Deps;
use crate::config::ProcessConfig;

/// Returns what is wrong with the places where state is kept and events go.
pub(crate) fn check(config: &ProcessConfig) -> Vec<String> {
    ccm_backplane::check(&config.store, &config.bus)
}

/// Connects what the configuration names.
///
/// # Errors
/// When the configuration cannot be used, or the process is told to stop first.
pub async fn connect(config: &ProcessConfig, shell: &Shell) -> anyhow::Result<Deps> {
    let ProcessConfig { admin, store, bus, events, .. } = config;
    let member =
        ccm_backplane::join("relay", Sections { admin, store, bus, events }, shell).await?;
    Ok(Deps { fleet: member.fleet, publisher: member.bus.publisher, holder: member.name })
}
