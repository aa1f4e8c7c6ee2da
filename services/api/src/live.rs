//! Event streams of this process: the hub, the feed that fills it, and what every stream shares.
//!
//! ```text
//! bus ── feed ──► hub ──► stream ──► body of one response
//! log ────┘ holes          ▲ cursor older than the ring: replay from the log
//!                          └ no cursor, or one that cannot be continued: snapshot
//! ```
//!
//! **Invariant:** a stream tells every event of its filter behind its cursor once and in order, or says
//! `resync` and begins with a snapshot, or says `bye`. A reader that connects again with the last id that it
//! saw misses nothing.

mod access;
mod feed;
mod instruments;
mod opening;
mod rebalance;
mod replay;
mod settings;
mod snapshot;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use ccm_fanout::{Hub, Limits};
use ccm_ports::{EventFeed, EventLog, SharedClock};
use ccm_runtime::Shell;
use opentelemetry::metrics::Counter;
use tokio::sync::watch;

pub(crate) use self::access::{Access, Hangup};
pub(crate) use self::opening::{Knock, Position};
use self::replay::Replay;
pub use self::settings::SseSection;
use self::snapshot::Snapshots;
pub(crate) use self::snapshot::{Source, workers_of};

/// Events that are kept for readers who come back; older ones are read from the log.
const RING_EVENTS: usize = 16_384;
/// Pending bytes of one reader that the ring holds at least: a slow one must be told that it is slow, not
/// that the ring lapped it.
const RING_FACTOR: usize = 8;

/// Everything that streams share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Live(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub: Hub,
    /// Whether the past is there that streams begin with.
    is_open: watch::Receiver<bool>,
    replay: Replay,
    snapshots: Snapshots,
    clock: SharedClock,
    settings: SseSection,
    /// Over which draining streams are spread.
    drain: Duration,
    turned_away: Counter<u64>,
    shell: Shell,
}

/// What streams need of others.
pub(crate) struct Parts {
    pub(crate) feed: Arc<dyn EventFeed>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: SharedClock,
    /// Reads the workers for snapshots.
    pub(crate) workers: Source,
    /// How long streams may take to end when the process stops.
    pub(crate) drain: Duration,
}

impl Live {
    /// Starts to follow the bus on the shell and returns what streams need.
    pub(crate) fn start(parts: Parts, settings: &SseSection, shell: &Shell) -> Self {
        let pending_bytes = usize::try_from(settings.max_pending_bytes.bytes());
        let pending_bytes = pending_bytes.unwrap_or(usize::MAX);
        let hub = Hub::new(Limits {
            ring_events: RING_EVENTS,
            ring_bytes: pending_bytes.max(1 << 20).saturating_mul(RING_FACTOR),
            clients: settings.max_clients,
            pending_bytes,
            ..Limits::default()
        });
        let meter = shell.meter("ccm-api");
        instruments::observe(&meter, &hub);
        let is_open = feed::spawn(&hub, parts.feed, Arc::clone(&parts.log), shell);
        Self(Arc::new(Inner {
            replay: Replay::new(parts.log),
            snapshots: Snapshots::new(hub.clone(), parts.workers),
            hub,
            is_open,
            clock: parts.clock,
            settings: settings.clone(),
            drain: parts.drain,
            turned_away: instruments::turned_away(&meter),
            shell: shell.clone(),
        }))
    }

    /// Returns the clients of this process.
    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }
}
