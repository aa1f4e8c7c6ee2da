//! One process: events and bells over channels. Nothing survives the process; the log does.

mod events;

use std::sync::Arc;

use async_trait::async_trait;
use ccm_events::Event;
use ccm_ports::{Bell, BusError, Chime, EventFeed, EventPublisher, Heard};
use futures_util::stream::BoxStream;

use self::events::Events;
use crate::bells::Bells;

/// How much a bus keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalLimits {
    /// Logged events that [`EventFeed::history`] can return.
    pub history: usize,
    /// Events that a subscriber may be behind before it hears [`Heard::Gap`]; rounded up to a power of two.
    pub backlog: usize,
}

impl Default for LocalLimits {
    /// Enough for a burst of a large fleet; a few megabytes when full. Older events are in the log, which is
    /// as near.
    fn default() -> Self {
        Self { history: 1_000, backlog: 1_024 }
    }
}

/// A bus inside the process. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct LocalBus {
    events: Arc<Events>,
    bells: Arc<Bells>,
}

impl LocalBus {
    /// Returns an empty bus.
    #[must_use]
    pub fn new(limits: LocalLimits) -> Self {
        Self { events: Arc::new(Events::new(limits)), bells: Arc::default() }
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new(LocalLimits::default())
    }
}

#[async_trait]
impl EventPublisher for LocalBus {
    async fn last(&self) -> Result<u64, BusError> {
        Ok(self.events.last())
    }

    async fn append(&self, events: &[Event]) -> Result<(), BusError> {
        self.events.append(events)
    }

    async fn clear(&self) -> Result<(), BusError> {
        self.events.clear();
        Ok(())
    }

    async fn tell(&self, event: &Event) -> Result<(), BusError> {
        self.events.tell(event);
        Ok(())
    }
}

#[async_trait]
impl EventFeed for LocalBus {
    async fn subscribe(&self) -> Result<BoxStream<'static, Heard>, BusError> {
        Ok(self.events.subscribe())
    }

    async fn history(&self, after: u64, limit: usize) -> Result<Vec<Event>, BusError> {
        Ok(self.events.history(after, limit))
    }

    async fn kept(&self) -> Result<Option<(u64, u64)>, BusError> {
        Ok(self.events.kept())
    }
}

#[async_trait]
impl Bell for LocalBus {
    async fn ring(&self, chime: Chime) {
        self.bells.ring(chime);
    }

    async fn listen(&self, chime: Chime) -> BoxStream<'static, ()> {
        self.bells.listen(chime)
    }
}
