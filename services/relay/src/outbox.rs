//! From the outbox to the log and the bus, in steps that can each be repeated.
//!
//! ```text
//! outbox ── 1 log.append ──► log ── 2 bus.append ──► bus        3 outbox.told
//! ```
//!
//! What waits goes in parts: while one is in steps 2 and 3, the next is in step 1, so that the store never waits
//! for the relay or the bus. While more waits than a pass takes, it looks for what the next one takes.
//!
//! The log alone says what was told and under which number; the bus is filled from it whenever it is not
//! where the log is. A step that failed may have happened: what is known about the log's and the bus's end
//! is then forgotten and read again.

use std::sync::Arc;

use ccm_events::{Change, Event};
use ccm_ports::{BusError, EventLog, EventPublisher, Logged, Outbox, Pending, StoreError};

/// Events given to the bus at a time.
const PAGE: usize = 500;
/// Rounds without progress after which filling the bus is put off to the next pass.
const MOST_ROUNDS: u32 = 3;
/// Changes moved at a time at most while more wait. To look for the oldest costs some stores as much as
/// everything that waits, so the more does, the more is taken at once.
const MOST_AT_ONCE: usize = 4_096;
/// Looks ahead in a row at most. They see only what waits behind what was seen before, so what was committed late is
/// seen by the next ordinary look.
const MOST_AHEAD: u32 = 4;

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
    /// Changes taken out of the outbox.
    pub taken: usize,
    /// Whether others may wait.
    pub more: bool,
}

/// The way out of the store.
pub struct Outlet {
    outbox: Arc<dyn Outbox>,
    ledger: Ledger,
    press: Press,
    batch: usize,
    /// Changes that the next pass moves at most: a batch, and more while that is not enough.
    room: usize,
    ahead: Ahead,
}

/// What the next pass begins with, and how many in a row had something to begin with.
#[derive(Default)]
struct Ahead {
    pending: Vec<Pending>,
    row: u32,
}

impl Outlet {
    /// Returns a way out that moves `batch` changes at a time, more while more wait, and fills an empty bus
    /// with the last `refill` events.
    #[must_use]
    pub fn new(
        outbox: Arc<dyn Outbox>,
        log: Arc<dyn EventLog>,
        bus: Arc<dyn EventPublisher>,
        batch: usize,
        refill: u64,
    ) -> Self {
        let ledger = Ledger { log: Arc::clone(&log), head: None };
        let press = Press { log, bus, refill, published: None };
        Self { outbox, ledger, press, batch, room: batch, ahead: Ahead::default() }
    }

    /// Moves what waits, and brings the bus to where the log is.
    ///
    /// # Errors
    ///
    /// [`Failed`]; the next pass repeats what may not have happened.
    pub async fn pass(&mut self) -> Result<Told, Failed> {
        let outcome = self.try_pass().await;
        if outcome.is_err() {
            (self.ledger.head, self.press.published) = (None, None);
            self.room = self.batch;
            self.ahead = Ahead::default();
        }
        outcome
    }

    async fn try_pass(&mut self) -> Result<Told, Failed> {
        let mut pending = std::mem::take(&mut self.ahead.pending);
        if pending.is_empty() {
            self.ahead.row = 0;
            pending = self.outbox.pending(self.room).await.map_err(Failed::Store)?;
        }
        let taken = count(&pending);
        let more = taken >= self.room;
        self.room =
            if more { (self.room * 2).min(MOST_AT_ONCE.max(self.batch)) } else { self.batch };
        let (outbox, room) = (Arc::clone(&self.outbox), self.room);
        let parts = parts(&pending, self.batch);
        let look = async {
            if !more || self.ahead.row == MOST_AHEAD {
                return Ok(Vec::new());
            }
            outbox.pending_behind(&pending, room).await
        };
        let moved = move_on(&mut self.ledger, &mut self.press, &*self.outbox, parts);
        let (logged, ahead) = tokio::join!(moved, look);
        let logged = logged?;
        // What was moved is moved; whether the store is well, the next ordinary look tells.
        let ahead = ahead.unwrap_or_default();
        // Less than there is room for may be less than there is.
        if count(&ahead) >= room {
            self.ahead = Ahead { pending: ahead, row: self.ahead.row + 1 };
        }
        Ok(Told { logged, taken, more })
    }
}

/// Moves part after part; returns how many changes got a place in the log.
async fn move_on(
    ledger: &mut Ledger,
    press: &mut Press,
    outbox: &dyn Outbox,
    parts: Vec<&[Pending]>,
) -> Result<usize, Failed> {
    let mut parts = parts.into_iter();
    // A pass without changes asks the bus where it is.
    let mut part = parts.next().unwrap_or_default();
    let mut fresh = ledger.append(part).await?;
    let mut logged = 0;
    loop {
        logged += fresh.len();
        let next = parts.next();
        let append = async {
            match next {
                Some(next) => ledger.append(next).await,
                None => Ok(Vec::new()),
            }
        };
        // The log has this part: it may be told and published while the next one gets its places, and a bus
        // that is away does not keep documents from being relieved.
        let (published, told, appended) =
            tokio::join!(press.publish(&fresh), outbox.told(part), append);
        // First, since a relay that has been overtaken must hear of it.
        fresh = appended?;
        told.map_err(Failed::Store)?;
        published?;
        match next {
            Some(next) => part = next,
            None => return Ok(logged),
        }
    }
}

/// The log, as far as it is known.
struct Ledger {
    log: Arc<dyn EventLog>,
    /// Its end, if it is known.
    head: Option<u64>,
}

impl Ledger {
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
}

/// The bus, which is filled from the log.
struct Press {
    log: Arc<dyn EventLog>,
    bus: Arc<dyn EventPublisher>,
    refill: u64,
    /// Its end, if it is known to be where the log was.
    published: Option<u64>,
}

impl Press {
    /// Publishes what is new, or everything that the bus does not have.
    async fn publish(&mut self, fresh: &[Logged]) -> Result<(), Failed> {
        if fresh.is_empty() {
            return self.catch_up().await;
        }
        for page in fresh.chunks(PAGE) {
            let (Some(first), Some(last)) = (page.first(), page.last()) else { continue };
            if self.published != Some(first.seq - 1) {
                return self.catch_up().await;
            }
            match self.bus.append(&events(page)).await {
                Ok(()) => self.published = Some(last.seq),
                Err(BusError::OutOfOrder(_)) => return self.catch_up().await,
                Err(err) => return Err(Failed::Bus(err)),
            }
        }
        Ok(())
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
            tracing::warn!(
                event.last = last,
                event.head = head,
                "the bus at {last} is {reason} and is filled again"
            );
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
            .field("head", &self.ledger.head)
            .field("published", &self.press.published)
            .finish_non_exhaustive()
    }
}

/// Cuts what waits into parts of about so many changes, in order.
fn parts(pending: &[Pending], size: usize) -> Vec<&[Pending]> {
    let mut parts = Vec::new();
    let (mut begin, mut changes) = (0, 0);
    for (nth, document) in pending.iter().enumerate() {
        if nth > begin && changes + document.changes.len() > size {
            parts.push(&pending[begin..nth]);
            (begin, changes) = (nth, 0);
        }
        changes += document.changes.len();
    }
    if begin < pending.len() {
        parts.push(&pending[begin..]);
    }
    parts
}

fn count(pending: &[Pending]) -> usize {
    pending.iter().map(|document| document.changes.len()).sum()
}

fn events(logged: &[Logged]) -> Vec<Event> {
    logged.iter().map(|logged| Event::logged(logged.seq, &logged.change)).collect()
}
