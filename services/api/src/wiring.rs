//! The only file that names adapters.

use anyhow::bail;
use ccm_runtime::Shell;

use crate::{ApiConfig, Deps};

/// Returns what is wrong with the places where state is kept and events come from.
pub(crate) fn check(config: &ApiConfig) -> Option<String> {
    match (config.store.url.scheme(), config.bus.url.scheme()) {
        ("", _) => Some("store.url must be set".to_owned()),
        (_, "") => Some("bus.url must be set".to_owned()),
        (store, bus) => Some(format!(
            "store.url = \"{store}:…\" and bus.url = \"{bus}:…\": this build has the embedded store and the local \
             bus only, which live in one process with the scheduler and the relay; run ccm-standalone"
        )),
    }
}

/// Connects what the configuration names.
///
/// # Errors
/// When it names a store or a bus that this process cannot share with others.
pub async fn connect(config: &ApiConfig, _shell: &Shell) -> anyhow::Result<Deps> {
    bail!(check(config).unwrap_or_default())
}
