//! What a subscriber has still to hear: bounded in number and bytes. What does not fit becomes one gap.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ccm_events::Event;
use ccm_ports::Heard;
use tokio::sync::Notify;

/// One connection's turn to speak; what an earlier one still says is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u64);

#[derive(Debug)]
pub(super) struct Inbox {
    most: usize,
    most_bytes: usize,
    state: Mutex<State>,
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Heard>,
    bytes: usize,
    turn: u64,
    /// The last logged event of this turn; unknown until one is heard, or a probe says it.
    heard: Option<u64>,
    closed: bool,
}

/// How what was heard compares with where the log was at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Everything was heard.
    Same,
    /// Something was told that was not heard.
    Missed,
    /// The log has less than was heard: it lost something, which subscribers are told.
    Lost,
}

impl Inbox {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self { most: most.max(1), most_bytes, state: Mutex::default(), more: Notify::new() }
    }

    /// Begins the turn of a new connection.
    pub(super) fn next_turn(&self) -> Turn {
        let mut state = self.lock();
        state.turn += 1;
        state.heard = None;
        Turn(state.turn)
    }

    /// Takes an event in.
    pub(super) fn push(&self, turn: Turn, event: Event) {
        let mut state = self.lock();
        if state.turn != turn.0 || state.closed {
            return;
        }
        state.heard = event.seq.or(state.heard);
        let bytes = size(&event);
        if state.waiting.len() >= self.most || state.bytes + bytes > self.most_bytes {
            state.waiting.clear();
            state.bytes = 0;
            state.waiting.push_back(Heard::Gap);
        } else {
            state.bytes += bytes;
            state.waiting.push_back(Heard::Event(event));
        }
        drop(state);
        self.more.notify_one();
    }

    /// Says that something may be missing here; what comes next may have any number.
    pub(super) fn gap(&self, turn: Turn) {
        let mut state = self.lock();
        if state.turn != turn.0 || state.closed {
            return;
        }
        state.heard = None;
        state.say_gap();
        drop(state);
        self.more.notify_one();
    }

    /// Returns the last logged event heard in this turn.
    pub(super) fn heard(&self, turn: Turn) -> Option<u64> {
        let state = self.lock();
        if state.turn == turn.0 { state.heard } else { None }
    }

    /// Compares what was `heard` with the `last` event of the log at the same moment.
    pub(super) fn compare(&self, heard: Option<u64>, last: u64) -> Compared {
        let mut state = self.lock();
        let Some(heard) = heard else {
            // Nothing was heard yet: from here on everything must be.
            state.heard = state.heard.or(Some(last));
            return Compared::Same;
        };
        if heard < last {
            return Compared::Missed;
        }
        if heard == last {
            return Compared::Same;
        }
        // What is heard since then belongs to the log that begins anew.
        if state.heard == Some(heard) {
            state.heard = None;
        }
        if !state.closed {
            state.say_gap();
        }
        drop(state);
        self.more.notify_one();
        Compared::Lost
    }

    /// Ends the stream behind what waits.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_one();
    }

    /// Returns what comes next; `None` when the inbox is closed and empty. For one reader.
    pub(super) async fn next(&self) -> Option<Heard> {
        loop {
            {
                let mut state = self.lock();
                if let Some(heard) = state.waiting.pop_front() {
                    if let Heard::Event(event) = &heard {
                        state.bytes -= size(event);
                    }
                    return Some(heard);
                }
                if state.closed {
                    return None;
                }
            }
            self.more.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn say_gap(&mut self) {
        if self.waiting.back() != Some(&Heard::Gap) {
            self.waiting.push_back(Heard::Gap);
        }
    }
}

/// What an event takes up here, about.
fn size(event: &Event) -> usize {
    size_of::<Heard>() + event.json.len()
}

#[cfg(test)]
mod tests;
