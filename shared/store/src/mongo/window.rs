//! Which part of the line a look at the outbox sees.
//!
//! To see all that waits is dear in two ways. A server sorts everything that matches before it cuts the line, so while a
//! hundred thousand changes wait, it would do so for each batch. And an index keeps for some time what is not in it any
//! more: whoever begins at its beginning passes everything that was taken out lately. So each look tells the next one
//! where to begin and where to end. What may be missed that way, a look at everything finds: one follows when a look
//! found too little, and after some in a row or some time in any case.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc};

/// Looks for fewer are somebody's curiosity, and say nothing about the batches of a relay.
const LEAST_BATCH: usize = 32;

/// How much before the oldest change that was seen the next look begins, in milliseconds: longer than a commit takes
/// and than clocks differ.
const SLACK: i64 = 2_000;

/// Looks that do not begin at the beginning, in a row at most.
const MOST_IN_A_ROW: u32 = 16;

/// After this long a look begins at the beginning: what was committed very late is told that much later at most.
const LONGEST_ROW: Duration = Duration::from_secs(1);

/// Documents by the moment by which they wait, in milliseconds; unbounded where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// The first moment.
    pub(super) from: Option<i64>,
    /// The moment behind the last one.
    pub(super) until: Option<i64>,
}

impl Span {
    /// Returns the condition on the moment.
    pub(super) fn condition(self) -> Document {
        match (self.from, self.until) {
            (None, None) => doc! { "$exists": true },
            (Some(from), None) => doc! { "$gte": from },
            (None, Some(until)) => doc! { "$lt": until },
            (Some(from), Some(until)) => doc! { "$gte": from, "$lt": until },
        }
    }

    /// Whether a look for `limit` changes that found so many tells too little of what is beside the span.
    pub(super) const fn hides(self, found: usize, limit: usize) -> bool {
        (self.until.is_some() && found < limit) || (self.from.is_some() && found == 0)
    }
}

/// What the last looks say about the next one.
#[derive(Debug, Default)]
pub(super) struct Window(Mutex<Next>);

#[derive(Debug, Default)]
struct Next {
    span: Span,
    /// Looks in a row that did not begin at the beginning.
    row: u32,
    /// When the last look began at the beginning.
    whole_at: Option<Instant>,
}

impl Window {
    /// Returns what the next look for `limit` changes needs to see.
    pub(super) fn span(&self, limit: usize) -> Span {
        let Span { from, until } = self.lock().span;
        Span { from: from.filter(|_| limit >= LEAST_BATCH), until }
    }

    /// Takes note of where a look found the first change, if any.
    pub(super) fn note_begin(&self, limit: usize, oldest: Option<i64>, now: Instant) {
        if limit < LEAST_BATCH {
            return;
        }
        let mut next = self.lock();
        if next.span.from.is_none() {
            (next.row, next.whole_at) = (0, Some(now));
        }
        next.row += 1;
        let long = next.whole_at.is_none_or(|at| now.saturating_duration_since(at) >= LONGEST_ROW);
        let whole = long || next.row > MOST_IN_A_ROW;
        next.span.from = oldest.filter(|_| !whole).map(|at| at.saturating_sub(SLACK));
    }

    /// Takes note of the moments of the first and the last change of a look, if it found as many as it looked for.
    pub(super) fn note_end(&self, limit: usize, full: Option<(i64, i64)>) {
        if limit < LEAST_BATCH {
            return;
        }
        // Batches may double, and what is committed meanwhile waits behind.
        self.lock().span.until = full.map(|(oldest, newest)| {
            newest.saturating_add((newest - oldest).saturating_mul(3)).saturating_add(1)
        });
    }

    fn lock(&self) -> MutexGuard<'_, Next> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: usize = 64;

    #[test]
    fn a_look_begins_a_little_before_the_last_one_and_now_and_then_at_the_beginning() {
        let (window, now) = (Window::default(), Instant::now());
        let mut begins = Vec::new();
        for at in 0..40 {
            begins.push(window.span(BATCH).from);
            window.note_begin(BATCH, Some(10_000 + at), now);
        }

        let whole = |nth: &usize| begins[*nth].is_none();
        assert_eq!((0..40).filter(whole).collect::<Vec<_>>(), [0, 17, 34]);
        assert_eq!(begins[1], Some(10_000 - SLACK));
        assert_eq!(begins[39], Some(10_038 - SLACK));
    }

    #[test]
    fn a_second_without_a_look_at_the_beginning_is_enough() {
        let (window, start) = (Window::default(), Instant::now());
        let begins_after = |millis: u64| {
            window.note_begin(BATCH, Some(10_000), start + Duration::from_millis(millis));
            window.span(BATCH).from
        };

        let from = Some(10_000 - SLACK);
        assert_eq!([0, 400, 999].map(begins_after), [from; 3]);
        assert_eq!([1_000, 1_100, 2_099].map(begins_after), [None, from, from]);
        assert_eq!([2_100].map(begins_after), [None]);
    }

    #[test]
    fn a_look_ends_where_the_next_batches_do() {
        let window = Window::default();

        window.note_end(BATCH, Some((100, 110)));
        assert_eq!(window.span(BATCH), Span { from: None, until: Some(141) });

        window.note_end(BATCH, None);
        assert_eq!(window.span(BATCH), Span::default());
    }

    #[test]
    fn a_look_for_few_changes_nothing_and_begins_at_the_beginning() {
        let window = Window::default();
        window.note_begin(BATCH, Some(10_000), Instant::now());
        window.note_end(BATCH, Some((10_000, 10_000)));

        window.note_begin(1, None, Instant::now());
        window.note_end(1, None);

        assert_eq!(window.span(1), Span { from: None, until: Some(10_001) });
        assert_eq!(window.span(BATCH), Span { from: Some(8_000), until: Some(10_001) });
    }

    #[test]
    fn too_little_is_found_only_where_something_may_be_hidden() {
        let [all, from, until] = [(None, None), (Some(1), None), (None, Some(9))]
            .map(|(from, until)| Span { from, until });

        assert!(!all.hides(0, BATCH));
        assert!(from.hides(0, BATCH) && !from.hides(1, BATCH));
        assert!(until.hides(BATCH - 1, BATCH) && !until.hides(BATCH, BATCH));
    }
}
