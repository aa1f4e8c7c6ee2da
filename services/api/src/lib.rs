#![doc = include_str!("../README.md")]

pub mod auth;
mod config;
pub mod dto;
mod extract;
mod lab_yaml;
mod live;
mod middleware;
pub mod openapi;
pub mod problem;
mod router;
mod routes;
mod state;
mod topology;
#[cfg(feature = "distributed")]
pub mod wiring;

use std::net::SocketAddr;
use std::sync::Arc;

use ccm_app::{Fleet, Tally};
use ccm_ports::EventFeed;
use ccm_runtime::Shell;

pub use config::ApiConfig;
pub use live::SseSection;

/// What the API needs of others.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub fleet: Fleet,
    /// Where events come from.
    pub feed: Arc<dyn EventFeed>,
    /// Name of this process, for people.
    pub process: String,
    /// Where it counts its streams for the others.
    pub tally: Tally,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").field("process", &self.process).finish_non_exhaustive()
    }
}

/// Returns the whole public port as a router, for a port that is bound to `listener`.
///
/// # Errors
/// When the way to know callers is refused on that port.
pub fn router(
    deps: Deps,
    config: &ApiConfig,
    listener: SocketAddr,
    shell: &Shell,
) -> anyhow::Result<axum::Router> {
    let live = live::Live::start(
        live::Parts {
            feed: deps.feed,
            log: Arc::clone(&deps.fleet.stores.log),
            clock: Arc::clone(&deps.fleet.clock),
            workers: live::workers_of(&deps.fleet),
            drain: config.drain.streams.get(),
        },
        &config.sse,
        shell,
    );
    live.share_with_others(deps.fleet.clone(), deps.tally, config.drain.delay.get());
    let meter = shell.meter("ccm-api");
    let inbound = ccm_inbound::WayIn::new(&deps.fleet, &config.relay.inbound, &meter)?;
    let state = state::AppState {
        live,
        inbound,
        auth: auth::Auth::start(
            &config.auth,
            listener,
            &deps.fleet.stores,
            Arc::clone(&deps.fleet.clock),
            shell,
        )?,
        fleet: deps.fleet,
        ready: shell.ready.clone(),
        process: deps.process.into(),
    };
    Ok(router::router(state, &meter, &shell.tracer("ccm-api")))
}

/// Binds the public port and starts serving; returns where, once requests can come.
///
/// # Errors
/// When the port cannot be bound, or the way to know callers is refused on it.
pub async fn start(deps: Deps, config: &ApiConfig, shell: &Shell) -> anyhow::Result<SocketAddr> {
    // Before the port is open to anybody.
    auth::check(&config.auth, config.http.listen)?;
    let listener = shell.listen("http", config.http.listen)?;
    let address = listener.local_addr()?;
    let router = router(deps, config, address, shell)?;
    let served = ccm_runtime::serve::<live::Hangup>(listener, router, shell.clone());
    shell.tasks.spawn_critical("http", served);
    Ok(address)
}
