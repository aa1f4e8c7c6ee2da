//! `ccm-standalone`: the whole product in one process, nothing to install.

use std::process::ExitCode;

use ccm_config::Sources;
use ccm_runtime::{ExtraArgs, Shell};
use ccm_standalone::{StandaloneConfig, simulate};

/// Arguments beside those of every server; each stands for a configuration key.
#[derive(Debug, clap::Args)]
struct Arguments {
    /// Simulate N workers with real timing, load, labs, users and faults instead of asking AWS and CML
    #[arg(long, value_name = "N")]
    simulate: Option<usize>,
    /// Let the simulated world run X times faster than real time
    #[arg(long, value_name = "X", requires = "simulate")]
    speed: Option<f64>,
    /// Keep nothing: the store is gone when the process ends
    #[arg(long)]
    memory: bool,
}

impl ExtraArgs for Arguments {
    fn configure(&self, mut sources: Sources) -> Sources {
        if let Some(workers) = self.simulate {
            sources = sources.argument("--simulate", "simulate.workers", &workers.to_string());
            for (key, value) in simulate::QUICK_JOBS {
                sources = sources.argument("--simulate", key, value);
            }
        }
        if let Some(speed) = self.speed {
            sources = sources.argument("--speed", "simulate.speed", &format!("{speed:?}"));
        }
        if self.memory {
            sources = sources.argument("--memory", "store.url", "memory:");
        }
        sources
    }
}

fn main() -> ExitCode {
    ccm_runtime::service("ccm-standalone", include_str!("../defaults.toml"))
        .about("CML Cloud Manager in one process: API, scheduler and relay on an embedded store")
        .run_with(start)
}

async fn start(config: StandaloneConfig, _: Arguments, shell: Shell) -> anyhow::Result<()> {
    ccm_standalone::start(config, &shell).await?;
    Ok(())
}
