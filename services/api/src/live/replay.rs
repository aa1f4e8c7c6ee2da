//! Events older than the ring, from the log: read once for all readers that come back at the same time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ccm_events::{Event, Kind, Subject};
use ccm_fanout::frame;
use ccm_ports::{EventLog, StoreError};
use tokio::sync::OnceCell;

#[cfg(test)]
mod tests;

/// Events of one page; pages begin at its multiples, so that readers share them.
const PAGE: u64 = 500;
/// Pages kept: readers that were cut off together replay the same ones.
const KEPT: usize = 16;

/// An event of the log as it leaves.
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) kind: Kind,
    pub(super) subject: Subject,
    pub(super) frame: Bytes,
}

type Page = Arc<Vec<Entry>>;
type Slot = Arc<OnceCell<Page>>;

pub(super) struct Replay {
    log: Arc<dyn EventLog>,
    /// The newest at the back.
    slots: Mutex<VecDeque<(u64, Slot)>>,
}

/// Why a replay cannot go on.
pub(super) enum Stopped {
    /// The log does not have the next event any more.
    Forgotten,
    Failed(StoreError),
}

impl Replay {
    pub(super) fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, slots: Mutex::default() }
    }

    pub(super) fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// Returns a page that has the event behind `after`, and every later one of the page up to `to`, which
    /// must be in the log.
    pub(super) async fn page(&self, after: u64, to: u64) -> Result<Page, Stopped> {
        let nth = after / PAGE;
        let least = to.min((nth + 1) * PAGE);
        let mut slot = self.slot(nth, None);
        for again in [true, false] {
            let load = slot.get_or_try_init(|| self.load(nth));
            let page = load.await.map_err(Stopped::Failed)?;
            if page.last().is_none_or(|last| last.seq < least) && again {
                // Read when the log was shorter.
                slot = self.slot(nth, Some(&slot));
                continue;
            }
            if page.iter().any(|entry| entry.seq == after + 1) {
                return Ok(Arc::clone(page));
            }
            break;
        }
        Err(Stopped::Forgotten)
    }

    /// Returns the slot of a page, another one than `worn` if that is given.
    fn slot(&self, nth: u64, worn: Option<&Slot>) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = slots.iter().position(|(page, _)| *page == nth) {
            let is_worn = worn.is_some_and(|worn| Arc::ptr_eq(worn, &slots[place].1));
            if !is_worn {
                return Arc::clone(&slots[place].1);
            }
            slots.remove(place);
        }
        if slots.len() == KEPT {
            slots.pop_front();
        }
        let slot = Slot::default();
        slots.push_back((nth, Arc::clone(&slot)));
        slot
    }

    async fn load(&self, nth: u64) -> Result<Page, StoreError> {
        let begin = nth * PAGE;
        let limit = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let logged = self.log.read(begin, limit).await?;
        let entries = logged.into_iter().take_while(|logged| logged.seq <= begin + PAGE);
        let entry = |logged: ccm_ports::Logged| {
            let event = Event::logged(logged.seq, &logged.change);
            let frame = frame::event(&event);
            Entry { seq: logged.seq, kind: event.kind, subject: event.subject, frame }
        };
        Ok(Arc::new(entries.map(entry).collect()))
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}
