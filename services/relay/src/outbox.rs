//! From the outbox to the log and the bus, in steps that can each be repeated.
//!
//! ```text
//! outbox ── 1 log.append ──► log ── 2 bus.append ──► bus        3 outbox.told
//! ```
//!
//! The log alone says what was told and under which number; the bus is filled from it whenever it is not
//! where the log is. A step that failed may have happened: what is known about the log's and the bus's end
//! is then forgotten and read again.

use std::sync::Arc;

use ccm_events::{Change, Event};
use ccm_ports::{BusError, EventLog, EventPublisher, Logged, Outbox, Pending, StoreError};

/// Events read from the log at a time when the bus is filled again.
const PAGE: usize = 500;
/// Rounds without progress after which filling the bus is put off to the next pass.
const MOST_ROUNDS: u32 = 3;

/// Why a pass ended early. What it did stays; the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Another relay appended to the log: this one is not the leader any more.
    #[error("another relay is at work")]
    Deposed,
    /// The store did not do what was asked.
    #[error("cannot read or write the outbox and the log")]
    Store(#[source] StoreError),
    /// The bus did not do what was asked; the log has everything.
    #[error("cannot publish")]
    Bus(#[source] BusError),
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Changes that got a place in the log.
    pub logged: usize,
    /// Changes taken out of the outbox; others may wait when it is a whole batch.
    pub taken: usize,
}

/// The way out of the store.
pub struct Outlet {
    outbox: Arc<dyn Outbox>,
    log: Arc<dyn EventLog>,
    bus: Arc<dyn EventPublisher>,
    batch: usize,
    refill: u64,
    /// The log's end, if it is known.
    head: Option<u64>,
    /// The bus's end, if it is known to be there.
    published: Option<u64>,
}

impl Outlet {
    /// Returns a way out that moves up to `batch` changes at a time and fills an empty bus with the last
    /// `refill` events.
    #[must_use]
    pub fn new(
        outbox: Arc<dyn Outbox>,
        log: Arc<dyn EventLog>,
        bus: Arc<dyn EventPublisher>,
        batch: usize,
        refill: u64,
    ) -> Self {
        Self { outbox, log, bus, batch, refill, head: None, published: None }
    }

    /// Moves what waits, and brings the bus to where the log is.
    ///
    /// # Errors
    ///
    /// [`Failed`]; the next pass repeats what may not have happened.
    pub async fn pass(&mut self) -> Result<Told, Failed> {
        let outcome = self.try_pass().await;
        if outcome.is_err() {
            (self.head, self.published) = (None, None);
        }
        outcome
    }

    async fn try_pass(&mut self) -> Result<Told, Failed> {
        let pending = self.outbox.pending(self.batch).await.map_err(Failed::Store)?;
        let fresh = self.append(&pending).await?;
        let published = self.publish(&fresh).await;
        // The log has them: a bus that is away does not keep documents from being relieved.
        self.outbox.told(&pending).await.map_err(Failed::Store)?;
        published?;
        let taken = pending.iter().map(|document| document.changes.len()).sum();
        Ok(Told { logged: fresh.len(), taken })
    }

    /// Gives every change its place; returns those that had none.
    async fn append(&mut self, pending: &[Pending]) -> Result<Vec<Logged>, Failed> {
        let changes: Vec<Change> =
            pending.iter().flat_map(|document| document.changes.iter().cloned()).collect();
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let head = match self.head {
            Some(head) => head,
            None => self.log.head().await.map_err(Failed::Store)?,
        };
        let mut logged = match self.log.append(head, &changes).await {
            Ok(logged) => logged,
            Err(StoreError::Conflict) => return Err(Failed::Deposed),
            Err(err) => return Err(Failed::Store(err)),
        };
        logged.retain(|logged| logged.seq > head);
        self.head = Some(logged.last().map_or(head, |last| last.seq));
        Ok(logged)
    }

    /// Publishes what is new, or everything that the bus does not have.
    async fn publish(&mut self, fresh: &[Logged]) -> Result<(), Failed> {
        let (Some(first), Some(last)) = (fresh.first(), fresh.last()) else {
            return self.catch_up().await;
        };
        if self.published == Some(first.seq - 1) {
            match self.bus.append(&events(fresh)).await {
                Ok(()) => {
                    self.published = Some(last.seq);
                    return Ok(());
                }
                Err(BusError::OutOfOrder(_)) => {}
                Err(err) => return Err(Failed::Bus(err)),
            }
        }
        self.catch_up().await
    }

    /// Brings the bus to where the log is.
    async fn catch_up(&mut self) -> Result<(), Failed> {
        let mut rounds = 0;
        loop {
            // In this order: the log is always appended to first, so a bus that is ahead of a head read
            // later is not the bus of this log.
            let last = self.bus.last().await.map_err(Failed::Bus)?;
            let head = self.log.head().await.map_err(Failed::Store)?;
            let oldest = self.log.oldest().await.map_err(Failed::Store)?;
            // An empty bus takes any event, so with nothing to fill it with it is where the log is.
            if last == head || (last == 0 && oldest > head) {
                self.published = Some(head);
                return Ok(());
            }
            if !self.publish_page(last, oldest, head).await? {
                rounds += 1;
            }
            if rounds == MOST_ROUNDS {
                return Err(Failed::Bus(BusError::OutOfOrder(last)));
            }
        }
    }

    /// Publishes the next page behind `last`; returns whether the bus came closer to `head`.
    async fn publish_page(&self, last: u64, oldest: u64, head: u64) -> Result<bool, Failed> {
        let reason = if last > head {
            Some("ahead of the log")
        } else if last > 0 && last + 1 < oldest {
            Some("behind what the log keeps")
        } else {
            None
        };
        if let Some(reason) = reason {
            tracing::warn!(last, head, "the bus at {last} is {reason} and is filled again");
            self.bus.clear().await.map_err(Failed::Bus)?;
            return Ok(false);
        }
        let from = if last == 0 { head.saturating_sub(self.refill).max(oldest - 1) } else { last };
        let page = self.log.read(from, PAGE).await.map_err(Failed::Store)?;
        match self.bus.append(&events(&page)).await {
            Ok(()) => Ok(!page.is_empty()),
            // Another relay published meanwhile; look again.
            Err(BusError::OutOfOrder(_)) => Ok(false),
            Err(err) => Err(Failed::Bus(err)),
        }
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet")
            .field("head", &self.head)
            .field("published", &self.published)
            .finish_non_exhaustive()
    }
}

fn events(logged: &[Logged]) -> Vec<Event> {
    logged.iter().map(|logged| Event::logged(logged.seq, &logged.change)).collect()
}
