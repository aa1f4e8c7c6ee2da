//! The scheduler as a process of its own.

use std::process::ExitCode;

use ccm_scheduler::config::ProcessConfig;

fn main() -> ExitCode {
    ccm_runtime::service("ccm-scheduler", include_str!("../defaults.toml"))
        .about("Observes, decides and acts: all jobs, all calls to AWS and CML")
        .run(|_: ProcessConfig, _| async {
            // `ProcessConfig::check` refuses every store and bus that this build knows.
            anyhow::bail!("this build has no store and no bus that several processes can share")
        })
}
