//! Several processes: a stream that keeps the logged events, channels that tell them and ring, on Redis.
//!
//! The stream holds what the log of the store gave a number, under that number, so whatever Redis loses is
//! filled again with the same numbers. Subscriptions have a connection each, apart from the commands, and
//! probe themselves; what they may have missed they tell as [`Heard::Gap`].

mod bell;
mod ear;
mod error;
mod feed;
mod health;
mod inbox;
mod keys;
mod link;
mod pause;
mod publisher;
mod script;
mod servers;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use ccm_events::Event;
use ccm_ports::{Bell, BusError, BusHealth, Chime, EventFeed, EventPublisher, Heard};
use futures_util::stream::BoxStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::bell::RedisBell;
use self::health::Board;
use self::keys::Keys;
use self::link::Link;
use self::script::Script;
use self::servers::Kind;
use crate::Namespace;

pub use self::servers::Servers;

/// How much a bus keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisLimits {
    /// Logged events that the stream keeps at least; Redis trims it in steps of about a hundred.
    pub history: usize,
    /// Events that a subscriber may be behind before it hears [`Heard::Gap`] instead.
    pub backlog: usize,
    /// The same in bytes.
    pub backlog_bytes: usize,
}

impl Default for RedisLimits {
    /// A hundred thousand events in Redis; a burst of ten thousand or 16 MiB in the process.
    fn default() -> Self {
        Self { history: 100_000, backlog: 10_000, backlog_bytes: 16 << 20 }
    }
}

/// A bus on Redis. Cheap to clone; closed when the last clone is dropped.
///
/// Every call fails within 2 s with [`BusError::Unavailable`] when Redis does not answer. Belongs to the runtime
/// on which it is used first.
#[derive(Clone)]
pub struct RedisBus(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    bell: RedisBell,
    closing: CancellationToken,
}

/// What commands, subscriptions and bells stand on.
struct Core {
    servers: Servers,
    keys: Keys,
    limits: RedisLimits,
    link: Link,
    scripts: Scripts,
    board: Arc<Board>,
    /// Whether the log was seen to hold something: found empty, it has lost it.
    holds: AtomicBool,
}

struct Scripts {
    append: Script,
    clear: Script,
    bounds: Script,
}

impl RedisBus {
    /// Returns the bus of a namespace; connects when it is used.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when the driver refuses its settings.
    pub fn new(
        servers: &Servers,
        namespace: &Namespace,
        limits: RedisLimits,
    ) -> Result<Self, BusError> {
        let core = Arc::new(Core {
            servers: servers.clone(),
            keys: Keys::new(namespace),
            limits,
            link: Link::new(servers)?,
            scripts: Scripts {
                append: Script::new(include_str!("redis/append.lua")),
                clear: Script::new(include_str!("redis/clear.lua")),
                bounds: Script::new(include_str!("redis/bounds.lua")),
            },
            board: Arc::default(),
            holds: AtomicBool::new(false),
        });
        let bell = RedisBell::new(Arc::clone(&core));
        Ok(Self(Arc::new(Inner { core, bell, closing: CancellationToken::new() })))
    }
}

impl Core {
    /// Returns the command that publishes: on a cluster to the one node of the channel.
    const fn publish(&self) -> &'static str {
        match self.servers.kind {
            Kind::Cluster => "SPUBLISH",
            Kind::One | Kind::Sentinel { .. } => "PUBLISH",
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Core { servers, keys, limits, .. } = &*self.0.core;
        f.debug_struct("RedisBus")
            .field("servers", servers)
            .field("keys", keys)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventPublisher for RedisBus {
    async fn last(&self) -> Result<u64, BusError> {
        self.0.core.last().await
    }

    /// Refuses once with [`BusError::OutOfOrder`] of 0 when the log is empty that held events before.
    async fn append(&self, events: &[Event]) -> Result<(), BusError> {
        self.0.core.append(events).await
    }

    async fn clear(&self) -> Result<(), BusError> {
        self.0.core.clear().await
    }

    async fn tell(&self, event: &Event) -> Result<(), BusError> {
        self.0.core.tell(event).await
    }
}

#[async_trait]
impl EventFeed for RedisBus {
    async fn subscribe(&self) -> Result<BoxStream<'static, Heard>, BusError> {
        feed::subscribe(&self.0.core, self.0.closing.clone()).await
    }

    async fn history(&self, after: u64, limit: usize) -> Result<Vec<Event>, BusError> {
        self.0.core.history(after, limit).await
    }

    async fn kept(&self) -> Result<Option<(u64, u64)>, BusError> {
        self.0.core.kept().await
    }

    fn health(&self) -> watch::Receiver<BusHealth> {
        self.0.core.board.watch()
    }
}

#[async_trait]
impl Bell for RedisBus {
    async fn ring(&self, chime: Chime) {
        self.0.bell.ring(chime).await;
    }

    async fn listen(&self, chime: Chime) -> BoxStream<'static, ()> {
        self.0.bell.listen(chime).await
    }
}
