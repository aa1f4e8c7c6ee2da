//! The two ends of a bus as the product has them: one that fills it from the log, one that fills its holes.

use std::sync::Mutex;
use std::time::Duration;

use ccm_bus::RedisBus;
use ccm_events::Event;
use ccm_ports::{BusError, EventFeed, EventPublisher, Heard};

use super::world::{log, next};

/// The log of the store.
#[derive(Default)]
pub(super) struct Log(Mutex<u64>);

impl Log {
    /// Adds so many events, as somebody who commits does.
    pub(super) fn grow(&self, by: u64) {
        *self.0.lock().unwrap() += by;
    }

    pub(super) fn head(&self) -> u64 {
        *self.0.lock().unwrap()
    }

    fn read(&self, after: u64, limit: u64) -> Vec<Event> {
        log(after + 1..=self.head().min(after + limit))
    }

    /// Publishes until `done` events are in the log and the bus has them; as the relay, from where it thinks
    /// that the bus is, and again from where the bus says that it is.
    pub(super) async fn publish(&self, bus: &RedisBus, done: u64) {
        let mut at = None;
        loop {
            let last = match at {
                Some(at) => at,
                None => match bus.last().await {
                    Ok(last) => last,
                    Err(BusError::Unavailable(_)) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                    Err(err) => panic!("{err:?}"),
                },
            };
            let page = self.read(last, 100);
            at = match bus.append(&page).await {
                Ok(()) => Some(last + page.len() as u64),
                Err(BusError::OutOfOrder(last)) => Some(last),
                Err(BusError::Unavailable(_)) => None,
            };
            if at.is_some_and(|at| at >= done) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Follows as the API does until it has the event `last`. Panics when something was lost silently: when a
    /// hole was not told, or when the end is not reached. Returns how many gaps there were.
    pub(super) async fn follow(&self, bus: &RedisBus, last: u64) -> u64 {
        let mut heard = bus.subscribe().await.unwrap();
        let mut cursor = self.catch_up(bus, 0).await;
        let mut before = None;
        let mut gaps = 0;
        while cursor < last {
            match next(&mut heard).await {
                Heard::Gap => {
                    gaps += 1;
                    before = None;
                    cursor = self.catch_up(bus, cursor).await;
                }
                Heard::Event(event) => {
                    let seq = event.seq.unwrap();
                    assert_eq!(event, log([seq]).remove(0), "{seq} is another one");
                    // A bus that is filled again begins earlier.
                    let follows = before.is_none_or(|before| seq <= before + 1);
                    assert!(follows, "{before:?}..{seq} was lost silently");
                    before = Some(seq);
                    if seq > cursor + 1 {
                        cursor = self.catch_up(bus, cursor).await;
                    }
                    cursor = cursor.max(seq);
                }
            }
        }
        gaps
    }

    /// Reads on from the bus as far as it goes, then from the log.
    async fn catch_up(&self, bus: &RedisBus, mut cursor: u64) -> u64 {
        for event in bus.history(cursor, 10_000).await.unwrap_or_default() {
            let seq = event.seq.unwrap();
            assert_eq!(event, log([seq]).remove(0), "{seq} is another one");
            if seq != cursor + 1 {
                break;
            }
            cursor = seq;
        }
        cursor.max(self.head())
    }
}
