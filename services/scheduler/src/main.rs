//! The scheduler as a process of its own.

use std::process::ExitCode;

use ccm_runtime::Shell;
use ccm_scheduler::SchedulerConfig;
use ccm_scheduler::config::ProcessConfig;

fn main() -> ExitCode {
    ccm_runtime::service("ccm-scheduler", include_str!("../defaults.toml"))
        .about("Observes, decides and acts: all jobs, all calls to AWS and CML")
        .run(start)
}

async fn start(config: ProcessConfig, shell: Shell) -> anyhow::Result<()> {
    let deps = ccm_scheduler::wiring::connect(&config, &shell).await?;
    ccm_scheduler::start(deps, SchedulerConfig::new(config.jobs, config.drain), &shell);
    Ok(())
}
