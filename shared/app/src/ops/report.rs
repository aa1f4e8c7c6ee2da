//! What a run did, as counts.

use std::collections::BTreeMap;

/// Counts of what a run did and the errors that it met on single workers or scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How often each thing happened.
    pub counts: BTreeMap<String, u64>,
    /// The first errors, each with its worker or scope; bounded.
    pub errors: Vec<String>,
}

/// How many errors a report keeps; the count goes on.
const MOST_ERRORS: usize = 10;

impl Report {
    /// Counts one more.
    pub fn count(&mut self, what: &str) {
        self.add(what, 1);
    }

    /// Counts `n` more.
    pub fn add(&mut self, what: &str, n: u64) {
        *self.counts.entry(what.to_owned()).or_default() += n;
    }

    /// Notes an error of one worker or scope; the run goes on with the others.
    pub fn error(&mut self, whose: impl std::fmt::Display, error: &dyn std::error::Error) {
        self.count("errors");
        if self.errors.len() < MOST_ERRORS {
            let mut text = format!("{whose}: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            self.errors.push(text);
        }
    }

    /// Returns a count.
    #[must_use]
    pub fn get(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Takes another report into this one.
    pub fn merge(&mut self, other: Self) {
        for (what, n) in other.counts {
            self.add(&what, n);
        }
        self.errors.extend(other.errors);
        self.errors.truncate(MOST_ERRORS);
    }
}
