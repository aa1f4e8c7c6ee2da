//! The relay as a process of its own.

use std::process::ExitCode;

use ccm_relay::RelayConfig;
use ccm_relay::config::ProcessConfig;
use ccm_runtime::Shell;

fn main() -> ExitCode {
    ccm_runtime::service("ccm-relay", include_str!("../defaults.toml"))
        .about("Moves committed changes to the event log and the bus")
        .run(start)
}

async fn start(config: ProcessConfig, shell: Shell) -> anyhow::Result<()> {
    let deps = ccm_relay::wiring::connect(&config, &shell).await?;
    ccm_relay::take_events(&deps.fleet, &config.relay.inbound, &config.http, &shell)?;
    ccm_relay::start(deps, RelayConfig::of(config), &shell);
    Ok(())
}
