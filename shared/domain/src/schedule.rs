//! A schedule: when a job is due, which slots were claimed, and why others were not.
//!
//! A *slot* is one due moment. Slots lie on a grid that depends on the cadence and the schedule's name
//! alone, so that a restart changes nothing; triggers add slots between.
//!
//! **Invariants:** claimed slots grow, so none is claimed twice; at most one claimed slot is unfinished;
//! every slot of the grid is claimed, or reported as skipped with the reason, or still to come.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::run::RunState;
use crate::{Author, Timestamp};

mod cadence;
mod change;
mod due;
mod jobs;

pub use cadence::{Cadence, LEAST_EVERY_S, MOST_EVERY_S};
pub use change::{MOST_CATCH_UP, SchedulePatch};
pub use due::{Due, GRACE};
pub use jobs::{JOBS, JobSpec, Lane, job};

/// One due moment, in milliseconds since the epoch: the second half of a run's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(i64);

/// What to do about slots that nobody could claim in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Misfire {
    /// Leave them out; only one that is hardly late still runs.
    Skip,
    /// Run once for all of them.
    #[default]
    Once,
    /// Run each of the newest ones.
    CatchUp {
        /// How many.
        most: u32,
    },
}

/// What to do about a slot that comes due while the one before it still runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Leave it out.
    #[default]
    Skip,
    /// Run it afterwards.
    Queue,
}

/// What is set about a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Its name, unique.
    pub name: String,
    /// The job that it runs.
    pub job: String,
    /// How often.
    pub cadence: Cadence,
    /// Seconds over which schedules of one cadence are spread; each has its own place for ever.
    #[serde(default)]
    pub jitter_s: u64,
    /// What to do about missed slots.
    #[serde(default)]
    pub misfire: Misfire,
    /// What to do about overlapping slots.
    #[serde(default)]
    pub overlap: Overlap,
    /// Whether it runs by itself; a trigger works all the same.
    pub enabled: bool,
}

/// Why slots were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Nobody was there to claim them in time.
    Missed,
    /// The slot before them was still running.
    Overlap,
    /// A trigger's run stands for them.
    Triggered,
    /// The schedule was changed or paused before they were claimed.
    Changed,
}

/// Slots that were left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The oldest.
    pub first: Slot,
    /// The newest.
    pub last: Slot,
    /// How many.
    pub count: u64,
    /// Why.
    pub reason: SkipReason,
}

/// How a slot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// The slot.
    pub slot: Slot,
    /// How its run ended.
    pub state: RunState,
    /// When.
    pub ended_at: Timestamp,
}

/// What happened to a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleFact {
    /// What is set was changed, or a run was asked for.
    Changed {
        /// By whom.
        by: Author,
    },
    /// Slots were left out.
    Skipped(Skipped),
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// What is set.
    #[serde(flatten)]
    pub spec: ScheduleSpec,
    /// Grows with every write.
    pub rev: u64,
    /// Grows with every change of what is set; the `ETag` outside.
    pub spec_rev: u64,
    /// The next slot of the grid; none while it is disabled.
    #[serde(default)]
    pub next_at: Option<Slot>,
    /// A slot that somebody asked for and that is not claimed yet.
    #[serde(default)]
    pub triggered: Option<Slot>,
    /// W3C trace context of who asked, until the slot's run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered_in: Option<String>,
    /// The newest slot ever claimed.
    #[serde(default)]
    pub claimed: Option<Slot>,
    /// The claimed slot whose run has not ended.
    #[serde(default)]
    pub open: Option<Slot>,
    /// The last run that ended.
    #[serde(default)]
    pub last: Option<LastRun>,
    /// When a run last ended well.
    #[serde(default)]
    pub last_success_at: Option<Timestamp>,
    /// The slots that were left out last.
    #[serde(default)]
    pub last_skip: Option<Skipped>,
    /// How many slots were ever left out.
    #[serde(default)]
    pub skipped: u64,
    /// When it was last changed.
    #[serde(default)]
    pub changed_at: Option<Timestamp>,
    /// Who changed it last.
    #[serde(default)]
    pub changed_by: Option<Author>,
    #[serde(skip)]
    facts: Vec<ScheduleFact>,
}

impl Slot {
    /// The slot due at a moment.
    #[must_use]
    pub const fn at(moment: Timestamp) -> Self {
        Self(moment.as_millis())
    }

    /// Returns the moment at which it is due.
    #[must_use]
    pub const fn due_at(self) -> Timestamp {
        Timestamp::from_millis(self.0)
    }

    const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Skipped {
    fn new(first: Slot, last: Slot, count: u64, reason: SkipReason) -> Option<Self> {
        (count > 0).then_some(Self { first, last, count, reason })
    }
}

impl Schedule {
    /// Ends the slot's run; says whether it was the open one. Repeating it does no harm.
    pub fn finish(&mut self, slot: Slot, state: RunState, ended_at: Timestamp) -> bool {
        if self.open != Some(slot) {
            return false;
        }
        self.open = None;
        self.last = Some(LastRun { slot, state, ended_at });
        if state == RunState::Succeeded {
            self.last_success_at = Some(ended_at);
        }
        true
    }

    /// Returns what happened since the last write and forgets it.
    pub fn take_facts(&mut self) -> Vec<ScheduleFact> {
        std::mem::take(&mut self.facts)
    }

    /// Whether something happened since the last write.
    #[must_use]
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    fn report(&mut self, skipped: Option<Skipped>) {
        let Some(skipped) = skipped else { return };
        self.skipped = self.skipped.saturating_add(skipped.count);
        self.last_skip = Some(skipped);
        self.facts.push(ScheduleFact::Skipped(skipped));
    }
}

#[cfg(test)]
mod tests;
