//! What must hold of everything that can be seen from outside, whatever was done to the processes.
//!
//! Each check adds what it finds wrong; a test fails with all of it at once.

mod browsers;
mod fleet;
mod log;
mod operations;
mod slots;
mod stream;

use std::fmt;

pub(crate) use browsers::check_browsers;
pub(crate) use fleet::{Promises, check_effects, check_told_state};
pub(crate) use log::{EventLog, Logged, check_log};
pub(crate) use operations::{Begun, check_operations};
pub(crate) use slots::{check_slots, check_starts};
pub(crate) use stream::check_stream;

/// Faults of one kind that are printed; the rest is counted.
const SHOWN: usize = 8;

/// What was found wrong.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    faults: Vec<(&'static str, String)>,
    /// What was looked at, for the figures of a report.
    looked_at: Vec<String>,
}

impl Findings {
    /// Adds a fault to those of its kind.
    pub(crate) fn fault(&mut self, kind: &'static str, what: impl fmt::Display) {
        self.faults.push((kind, what.to_string()));
    }

    /// Adds a fault unless `holds`.
    pub(crate) fn check(&mut self, holds: bool, kind: &'static str, what: impl FnOnce() -> String) {
        if !holds {
            self.fault(kind, what());
        }
    }

    /// Drops faults of one kind that the test itself brought about.
    pub(crate) fn expect(&mut self, kind: &str, is_ours: impl Fn(&str) -> bool) {
        self.faults.retain(|(it, what)| *it != kind || !is_ours(what));
    }

    /// Says what was looked at: a check that saw nothing proves nothing.
    pub(crate) fn saw(&mut self, what: impl fmt::Display) {
        self.looked_at.push(what.to_string());
    }

    /// Returns the faults of one kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<&str> {
        self.faults.iter().filter(|(it, _)| *it == kind).map(|(_, what)| what.as_str()).collect()
    }

    /// Prints what was looked at; panics with what was found wrong.
    pub(crate) fn must_be_none(self) {
        println!("checked: {}", self.looked_at.join("; "));
        assert!(self.faults.is_empty(), "\n{self}");
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<_> = self.faults.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let faults = self.of_kind(kind);
            writeln!(f, "{kind}: {} faults", faults.len())?;
            for fault in faults.iter().take(SHOWN) {
                writeln!(f, "    {fault}")?;
            }
        }
        Ok(())
    }
}
