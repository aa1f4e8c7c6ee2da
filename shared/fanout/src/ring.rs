//! The last logged events, framed, without a hole.

use std::collections::VecDeque;

use bytes::Bytes;
use ccm_events::{Event, Kind, Subject};

use crate::{Hole, frame};

/// A logged event as it leaves.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) subject: Subject,
    pub(crate) frame: Bytes,
}

/// **Invariant:** the numbers of the entries follow each other and end with `last`.
#[derive(Debug)]
pub(crate) struct Ring {
    entries: VecDeque<Entry>,
    last: u64,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

impl Ring {
    pub(crate) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), last: 0, bytes: 0, most_events, most_bytes }
    }

    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// Returns the lowest cursor that can be continued from here.
    pub(crate) fn floor(&self) -> u64 {
        self.entries.front().map_or(self.last, |entry| entry.seq - 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything and goes on behind `last`.
    pub(crate) fn restart(&mut self, last: u64) {
        self.entries.clear();
        self.bytes = 0;
        self.last = last;
    }

    /// Adds the next event; `None` when it is here already.
    pub(crate) fn push(&mut self, seq: u64, event: &Event) -> Result<Option<&Entry>, Hole> {
        if seq <= self.last {
            return Ok(None);
        }
        if seq > self.last + 1 {
            return Err(Hole { after: self.last });
        }
        let frame = frame::event(event);
        self.bytes += frame.len();
        self.last = seq;
        let subject = event.subject.clone();
        self.entries.push_back(Entry { seq, kind: event.kind, subject, frame });
        // The newest one stays, however large it is.
        while self.entries.len() > 1
            && (self.entries.len() > self.most_events || self.bytes > self.most_bytes)
        {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.frame.len();
            }
        }
        Ok(self.entries.back())
    }

    /// Returns the entries behind `after`, which must not be below the floor.
    pub(crate) fn after(&self, after: u64) -> impl Iterator<Item = &Entry> {
        let behind = usize::try_from(self.last.saturating_sub(after)).unwrap_or(usize::MAX);
        self.entries.range(self.entries.len().saturating_sub(behind)..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &'static str) -> Event {
        let subject = Subject::Fleet("settings".to_owned());
        Event { seq: None, kind: Kind::SettingsChanged, subject, json: json.into() }
    }

    fn seqs(ring: &Ring, after: u64) -> Vec<u64> {
        ring.after(after).map(|entry| entry.seq).collect()
    }

    #[test]
    fn it_keeps_the_newest_and_says_from_where_it_can_be_continued() {
        let mut ring = Ring::new(3, 10_000);
        ring.restart(10);
        assert_eq!((ring.floor(), ring.last()), (10, 10));

        for seq in 11..=15 {
            assert!(ring.push(seq, &event("{}")).unwrap().is_some());
        }

        assert_eq!((ring.floor(), ring.last()), (12, 15));
        assert_eq!(seqs(&ring, 12), [13, 14, 15]);
        assert_eq!(seqs(&ring, 14), [15]);
        assert_eq!(seqs(&ring, 15), [0; 0]);
        assert_eq!(seqs(&ring, 99), [0; 0]);
    }

    #[test]
    fn it_is_bounded_in_bytes_but_keeps_the_newest() {
        let mut ring = Ring::new(100, 100);
        for seq in 1..=9 {
            ring.push(seq, &event("{}")).unwrap();
            assert!(ring.bytes() <= 100 || ring.len() == 1);
        }
        assert_eq!(ring.len(), 2);

        ring.push(10, &event(include_str!("../README.md"))).unwrap();
        assert_eq!(seqs(&ring, 9), [10]);
        assert_eq!(ring.floor(), 9);
    }

    #[test]
    fn it_takes_no_repeats_and_no_holes() {
        let mut ring = Ring::new(3, 10_000);
        ring.push(1, &event("{}")).unwrap();

        assert!(ring.push(1, &event("{}")).unwrap().is_none());
        assert_eq!(ring.push(3, &event("{}")).unwrap_err(), Hole { after: 1 });
        assert_eq!(seqs(&ring, 0), [1]);
    }
}
