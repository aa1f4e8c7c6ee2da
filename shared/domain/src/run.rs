//! A run: one slot of a schedule, or one command, being carried out; what ran, when, how long, why not.
//!
//! ```text
//! queued ─► running ─► succeeded
//!    ▲         ├─────► failed ──(later)──► running … ─► dead ─────────┐
//!    │         ├─────► abandoned ─(at once)─► running … ─► quarantined ┤
//!    ├◄hand back┘                                                      │
//!    └◄─────────────────────────── requeue ────────────────────────────┘
//! skipped: never started, with the reason
//! ```
//!
//! **Invariants:** a run fails exactly as often as its job allows and is then dead; one that takes its
//! process along [`MOST_CRASHES`] times is quarantined, not tried for ever; a clean hand-over counts as neither.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Author, DomainError, Epoch, OperationId, Scope, Timestamp, WorkerId};

mod retry;
mod step;

pub use retry::{Jitter, RetryPolicy};

use crate::schedule::Slot;

/// How often a run may take its process along.
pub const MOST_CRASHES: u32 = 3;

/// A run's name: `<schedule>@<slot>`, or the id of its command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits to be started.
    Queued,
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// An attempt failed; the next one starts at `next_at`.
    Failed,
    /// The last attempt failed; people may requeue it.
    Dead,
    /// Its leader was lost while it ran; it starts again at once.
    Abandoned,
    /// It was not started at all.
    Skipped,
    /// It took its process along too often; people may requeue it.
    Quarantined,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Stable word, such as `throttled`.
    pub code: String,
    /// In words.
    pub text: String,
    /// Whether another attempt is pointless.
    #[serde(default)]
    pub permanent: bool,
    /// The least pause that was asked for; kept only as the run's `next_at`.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunFact {
    /// An attempt began; told to whoever looks, kept nowhere.
    Started,
    /// It ended well or was skipped; told to whoever looks, kept nowhere.
    Finished,
    /// An attempt failed, or the run was given up.
    Failed,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Grows with every write.
    pub rev: u64,
    /// Which job.
    pub job: String,
    /// The schedule that it belongs to.
    #[serde(default)]
    pub schedule: Option<String>,
    /// The slot of that schedule.
    #[serde(default)]
    pub slot: Option<Slot>,
    /// The command that it carries out.
    #[serde(default)]
    pub command: Option<OperationId>,
    /// The worker that it is about.
    #[serde(default)]
    pub worker: Option<WorkerId>,
    /// The account and region that it is about.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// How far it is.
    pub state: RunState,
    /// Which attempt this is or was; neither crashes nor hand-overs count.
    #[serde(default)]
    pub attempt: u32,
    /// How often it was started for whatever reason.
    #[serde(default)]
    pub starts: u32,
    /// How often its leader was lost while it ran.
    #[serde(default)]
    pub crashes: u32,
    /// The leader that last started it.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When the present or last attempt began.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When the last attempt ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Not started before this moment; none when it will not be started.
    #[serde(default)]
    pub next_at: Option<Timestamp>,
    /// What came of it, in words.
    #[serde(default)]
    pub outcome: Option<String>,
    /// What it did, counted.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
    /// Why the last attempt failed.
    #[serde(default)]
    pub error: Option<RunError>,
    /// Who put it back last.
    #[serde(default)]
    pub requeued_by: Option<Author>,
    /// The trace that it belongs to.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// W3C trace context of what made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    #[serde(skip)]
    facts: Vec<RunFact>,
}

impl RunId {
    /// The name of a slot's run.
    #[must_use]
    pub fn of_slot(schedule: &str, slot: Slot) -> Self {
        Self(format!("{schedule}@{slot}"))
    }

    /// The name of a command's run.
    #[must_use]
    pub fn of_command(command: OperationId) -> Self {
        Self(command.to_string())
    }

    /// Takes a name from outside as it is: it is looked up, never trusted.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Dead,
        Self::Abandoned,
        Self::Skipped,
        Self::Quarantined,
    ];

    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Abandoned => "abandoned",
            Self::Skipped => "skipped",
            Self::Quarantined => "quarantined",
        }
    }

    /// Whether nothing more happens unless people put it back.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Dead | Self::Skipped | Self::Quarantined => true,
            Self::Queued | Self::Running | Self::Failed | Self::Abandoned => false,
        }
    }

    /// Whether it waits to be started.
    #[must_use]
    pub const fn waits(self) -> bool {
        match self {
            Self::Queued | Self::Failed | Self::Abandoned => true,
            Self::Running | Self::Succeeded | Self::Dead | Self::Skipped | Self::Quarantined => {
                false
            }
        }
    }
}

impl RunError {
    /// An error that another attempt may not meet.
    #[must_use]
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into(), permanent: false, retry_after: None }
    }

    /// An error that every attempt would meet.
    #[must_use]
    pub fn permanent(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::new(code, text) }
    }
}

impl Run {
    /// Makes the run of a slot.
    #[must_use]
    pub fn of_slot(schedule: &str, job: &str, slot: Slot, now: Timestamp) -> Self {
        let mut run = Self::queued(RunId::of_slot(schedule, slot), job, now);
        run.schedule = Some(schedule.to_owned());
        run.slot = Some(slot);
        run
    }

    /// Makes the run of a command.
    #[must_use]
    pub fn of_command(
        command: OperationId,
        job: &str,
        worker: Option<WorkerId>,
        now: Timestamp,
    ) -> Self {
        let mut run = Self::queued(RunId::of_command(command), job, now);
        run.command = Some(command);
        run.worker = worker;
        run
    }

    fn queued(id: RunId, job: &str, now: Timestamp) -> Self {
        Self {
            id,
            rev: 1,
            job: job.to_owned(),
            schedule: None,
            slot: None,
            command: None,
            worker: None,
            scope: None,
            state: RunState::Queued,
            attempt: 0,
            starts: 0,
            crashes: 0,
            epoch: None,
            queued_at: now,
            started_at: None,
            ended_at: None,
            next_at: Some(now),
            outcome: None,
            counts: BTreeMap::new(),
            error: None,
            requeued_by: None,
            trace_id: None,
            traceparent: None,
            facts: Vec::new(),
        }
    }

    /// Whether a leader may start it now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state.waits() && self.next_at.is_none_or(|at| at <= now)
    }

    /// Returns what happened since the last write and forgets it.
    pub fn take_facts(&mut self) -> Vec<RunFact> {
        std::mem::take(&mut self.facts)
    }

    /// Whether something happened since the last write.
    #[must_use]
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    fn must(&self, allowed: bool, verb: &str) -> Result<(), DomainError> {
        if allowed {
            return Ok(());
        }
        let detail = format!("the run is {}, it cannot be {verb}", self.state.name());
        Err(DomainError::not_possible("run_state", detail))
    }
}

#[cfg(test)]
mod tests;
