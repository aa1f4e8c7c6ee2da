//! API, scheduler and relay in one process, on the embedded store and a bus of channels.

pub mod config;
pub mod simulate;
mod welcome;
pub mod wiring;

use std::net::SocketAddr;

use ccm_api::ApiConfig;
use ccm_config::section::{BusSection, EventsSection, InboundOnlySection, StoreSection};
use ccm_relay::RelayConfig;
use ccm_runtime::Shell;
use ccm_scheduler::SchedulerConfig;

pub use config::StandaloneConfig;

/// Starts everything; returns the public address once requests are served.
///
/// # Errors
/// When the store cannot be opened, a port cannot be bound, or the world outside is not configured.
pub async fn start(config: StandaloneConfig, shell: &Shell) -> anyhow::Result<SocketAddr> {
    let parts = wiring::connect(&config, shell).await?;
    if config.simulate.is_on() {
        wiring::seed_settings(&parts).await?;
    }
    let holder = parts.process.clone();
    ccm_relay::start(
        ccm_relay::Deps {
            fleet: parts.fleet.clone(),
            publisher: parts.remotes.publisher.clone(),
            holder: holder.clone(),
        },
        RelayConfig::in_one_process(config.relay.clone()),
        shell,
    );
    let jobs = SchedulerConfig::new(config.jobs.clone(), config.drain.clone());
    let remotes = parts.remotes.clone();
    let deps = ccm_scheduler::Deps { fleet: parts.fleet.clone(), remotes, holder };
    ccm_scheduler::start(deps, jobs, shell);
    let api = ApiConfig {
        http: config.http.clone(),
        admin: config.admin.clone(),
        auth: config.auth.clone(),
        store: StoreSection::for_testing(),
        bus: BusSection::for_testing(),
        events: EventsSection::for_testing(),
        relay: InboundOnlySection { inbound: config.relay.inbound.clone() },
        sse: config.sse.clone(),
        drain: config.drain.clone(),
        telemetry: config.telemetry.clone(),
    };
    let wiring::Parts { fleet, feed, process, tally, .. } = parts;
    let deps = ccm_api::Deps { fleet, feed, process, tally };
    let address = ccm_api::start(deps, &api, shell).await?;
    welcome::print(&config, address);
    Ok(address)
}
