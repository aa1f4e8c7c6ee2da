//! The relay as a process of its own.

use std::process::ExitCode;

use ccm_relay::config::ProcessConfig;

fn main() -> ExitCode {
    ccm_runtime::service("ccm-relay", include_str!("../defaults.toml"))
        .about("Moves committed changes to the event log and the bus")
        .run(|_: ProcessConfig, _| async {
            // `ProcessConfig::check` refuses every store and bus that this build knows.
            anyhow::bail!("this build has no store and no bus that several processes can share")
        })
}
