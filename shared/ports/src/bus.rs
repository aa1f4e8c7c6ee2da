//! From the relay to every API process, and the bell.

use async_trait::async_trait;
use ccm_events::Event;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use crate::BusError;

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An event, logged or ephemeral.
    Event(Event),
    /// Something may have been missed; read on from the history, then from the log.
    Gap,
}

/// Whether subscribers hear what is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BusHealth {
    /// They do, as far as anybody knows.
    #[default]
    Well,
    /// They do not at present; why, for people. They hear [`Heard::Gap`] when they do again.
    Deaf(String),
}

/// Publishes events. Adapters pass `contract::bus`.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Returns the last logged sequence number that the bus has, 0 when it is empty.
    async fn last(&self) -> Result<u64, BusError>;

    /// Appends logged events in the order of their `seq` and tells them.
    ///
    /// Events that the bus has already are skipped. [`BusError::OutOfOrder`] when the first new one is not
    /// the successor of the last (an empty bus takes any first one): read the log from there. A bus that lost what
    /// it had refuses once, with 0.
    async fn append(&self, events: &[Event]) -> Result<(), BusError>;

    /// Forgets every logged event, so that the next one may be any; subscribers hear [`Heard::Gap`].
    ///
    /// For a bus that cannot be continued: it is ahead of the log, or the log forgot what comes next.
    async fn clear(&self) -> Result<(), BusError>;

    /// Tells an ephemeral event; it is kept nowhere.
    async fn tell(&self, event: &Event) -> Result<(), BusError>;
}

/// Hears events. Adapters pass `contract::bus`.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// Hears everything told from now on; the stream ends when the bus is closed.
    async fn subscribe(&self) -> Result<BoxStream<'static, Heard>, BusError>;

    /// Returns up to `limit` logged events with `seq > after`, in order, as far as the bus keeps them.
    async fn history(&self, after: u64, limit: usize) -> Result<Vec<Event>, BusError>;

    /// Returns `(oldest, last)` sequence numbers kept, `None` when it is empty.
    async fn kept(&self) -> Result<Option<(u64, u64)>, BusError>;

    /// Watches whether subscriptions hear; a watch that is closed never changes.
    fn health(&self) -> watch::Receiver<BusHealth> {
        watch::channel(BusHealth::Well).1
    }
}

/// What a bell rings for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chime {
    /// Changes wait in the outbox.
    Outbox,
    /// Commands, triggers or changed schedules wait.
    Commands,
    /// A lease was given back.
    Lease,
}

impl Chime {
    /// All chimes.
    pub const ALL: &[Self] = &[Self::Outbox, Self::Commands, Self::Lease];

    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Commands => "commands",
            Self::Lease => "lease",
        }
    }
}

/// Hints that there is something to do. May be lost; whoever listens also polls.
#[async_trait]
pub trait Bell: Send + Sync {
    /// Rings; never fails, since the hint is not needed.
    async fn ring(&self, chime: Chime);

    /// Hears the chime from now on; several rings may be heard as one.
    async fn listen(&self, chime: Chime) -> BoxStream<'static, ()>;
}
