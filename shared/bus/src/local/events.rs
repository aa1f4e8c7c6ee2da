//! A bounded ring of logged events, and a bounded broadcast of everything told.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ccm_events::Event;
use ccm_ports::{BusError, Heard};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::LocalLimits;

#[derive(Debug)]
pub(super) struct Events {
    capacity: usize,
    /// Numbers in it follow each other without a hole.
    kept: Mutex<VecDeque<(u64, Event)>>,
    live: broadcast::Sender<Heard>,
}

impl Events {
    pub(super) fn new(limits: LocalLimits) -> Self {
        let (live, _) = broadcast::channel(limits.backlog.max(1));
        Self { capacity: limits.history.max(1), kept: Mutex::default(), live }
    }

    pub(super) fn last(&self) -> u64 {
        self.kept().map_or(0, |(_, last)| last)
    }

    pub(super) fn kept(&self) -> Option<(u64, u64)> {
        let kept = self.lock();
        Some((kept.front()?.0, kept.back()?.0))
    }

    pub(super) fn history(&self, after: u64, limit: usize) -> Vec<Event> {
        let kept = self.lock();
        let Some((oldest, _)) = kept.front() else { return Vec::new() };
        let skip = usize::try_from((after + 1).saturating_sub(*oldest)).unwrap_or(usize::MAX);
        kept.iter().skip(skip).take(limit).map(|(_, event)| event.clone()).collect()
    }

    /// Keeps and tells under one lock, so that all hear in the order in which they are kept.
    pub(super) fn append(&self, events: &[Event]) -> Result<(), BusError> {
        let mut kept = self.lock();
        for event in events {
            // Without a number an event has no place here.
            let Some(seq) = event.seq else { continue };
            match kept.back() {
                Some((last, _)) if seq <= *last => continue,
                Some((last, _)) if seq > *last + 1 => return Err(BusError::OutOfOrder(*last)),
                Some(_) | None => {}
            }
            if kept.len() == self.capacity {
                kept.pop_front();
            }
            kept.push_back((seq, event.clone()));
            self.tell(event);
        }
        Ok(())
    }

    pub(super) fn tell(&self, event: &Event) {
        // An error says only that nobody listens.
        let _ = self.live.send(Heard::Event(event.clone()));
    }

    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        kept.clear();
        let _ = self.live.send(Heard::Gap);
    }

    pub(super) fn subscribe(&self) -> BoxStream<'static, Heard> {
        stream::unfold(self.live.subscribe(), |mut live| async move {
            match live.recv().await {
                Ok(heard) => Some((heard, live)),
                Err(RecvError::Lagged(_)) => Some((Heard::Gap, live)),
                Err(RecvError::Closed) => None,
            }
        })
        .boxed()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Event)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
