//! `ccm-api`: the API as a process of its own.

use std::process::ExitCode;

use ccm_api::ApiConfig;
use ccm_runtime::Shell;

fn main() -> ExitCode {
    ccm_runtime::service("ccm-api", include_str!("../defaults.toml"))
        .about("REST, event streams and web UI of CML Cloud Manager")
        .run(start)
}

async fn start(config: ApiConfig, shell: Shell) -> anyhow::Result<()> {
    let deps = ccm_api::wiring::connect(&config, &shell).await?;
    ccm_api::start(deps, &config, &shell).await?;
    Ok(())
}
