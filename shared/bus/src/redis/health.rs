//! Which subscriptions hear nothing at present.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ccm_ports::BusHealth;
use tokio::sync::watch;

/// The health of all subscriptions of one bus.
#[derive(Debug, Default)]
pub(super) struct Board {
    deaf: Mutex<Deaf>,
    told: watch::Sender<BusHealth>,
}

#[derive(Debug, Default)]
struct Deaf {
    next: u64,
    why: BTreeMap<u64, String>,
}

/// The health of one subscription; well until it says otherwise, and when it is gone.
#[derive(Debug)]
pub(super) struct Seat {
    board: Arc<Board>,
    id: u64,
}

impl Board {
    pub(super) fn watch(&self) -> watch::Receiver<BusHealth> {
        self.told.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Deaf)) {
        let mut deaf = self.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut deaf);
        let health = match deaf.why.values().next() {
            Some(why) => BusHealth::Deaf(why.clone()),
            None => BusHealth::Well,
        };
        // Under the lock, so that the last change is told last.
        self.told.send_if_modified(|told| {
            let changed = *told != health;
            *told = health;
            changed
        });
    }
}

impl Seat {
    pub(super) fn take(board: &Arc<Board>) -> Self {
        let mut id = 0;
        board.change(|deaf| {
            id = deaf.next;
            deaf.next += 1;
        });
        Self { board: Arc::clone(board), id }
    }

    /// Says that nothing is heard, and why.
    pub(super) fn deaf(&self, why: String) {
        self.board.change(|deaf| drop(deaf.why.insert(self.id, why)));
    }

    /// Says that everything is heard.
    pub(super) fn well(&self) {
        self.board.change(|deaf| drop(deaf.why.remove(&self.id)));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.well();
    }
}
