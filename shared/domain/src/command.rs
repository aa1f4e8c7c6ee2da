//! What somebody asks the scheduler to do now: durable, folded and throttled per key.
//!
//! ```text
//! queued ──claim──► claimed ──► done | failed
//!    ▲                 │
//!    └────hand_back────┘
//! ```
//!
//! **Invariants:** of two open commands with one fold key the second is the first, unless that has begun and does
//! not serve those who ask later; secrets are never in here, only the reference under which they are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::worker::Step;
use crate::{Author, DomainError, Epoch, OperationId, Timestamp};

mod import;
mod kind;

pub use import::{ImportAnswer, ImportRequest, Imported, SkippedImport};
pub use kind::{CommandKind, YAML_LIMIT};

/// How far a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Waits for a leader, or for its time.
    Queued,
    /// A leader made a run of it.
    Claimed,
    /// Done; the result says what came of it.
    Done,
    /// Ended without success; the reason says why.
    Failed,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its id; also that of its run.
    pub id: OperationId,
    /// Grows with every write.
    pub rev: u64,
    /// What to do.
    pub kind: CommandKind,
    /// Open commands of one key are one; none means that it stands alone.
    #[serde(default)]
    pub fold_key: Option<String>,
    /// Who asked.
    pub asked_by: Author,
    /// When.
    pub asked_at: Timestamp,
    /// How far it is.
    pub state: CommandState,
    /// Not before this moment, so that a key is not done again too soon.
    pub not_before: Timestamp,
    /// The leader that claimed it last.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// When it was claimed last.
    #[serde(default)]
    pub claimed_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    #[serde(default)]
    pub result: serde_json::Value,
    /// Why it failed or waits.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its steps, where there are several.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// W3C trace context of the request that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Command {
    /// Makes a command; `last` is when the same key was last done, which it must not follow too soon.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] when what it asks for is out of bounds.
    pub fn new(
        id: OperationId,
        kind: CommandKind,
        by: &Author,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, DomainError> {
        DomainError::unless_clean(kind.check())?;
        let not_before = last.map_or(now, |last| now.max(last.plus(kind.least_gap())));
        let wait = not_before.since(now);
        Ok(Self {
            id,
            rev: 1,
            fold_key: kind.fold_key(),
            kind,
            asked_by: by.clone(),
            asked_at: now,
            state: CommandState::Queued,
            not_before,
            epoch: None,
            claimed_at: None,
            ended_at: None,
            result: serde_json::Value::Null,
            reason: (wait > Duration::ZERO)
                .then(|| format!("the same was done a moment ago; waits until {not_before}")),
            steps: Vec::new(),
            traceparent: None,
        })
    }

    /// Whether it has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.state {
            CommandState::Queued | CommandState::Claimed => true,
            CommandState::Done | CommandState::Failed => false,
        }
    }

    /// Whether a leader may claim it now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == CommandState::Queued && self.not_before <= now
    }

    /// Gives it to a leader, who makes a run of it.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it is queued and its time has come.
    pub fn claim(&mut self, epoch: Epoch, now: Timestamp) -> Result<(), DomainError> {
        self.must_be(CommandState::Queued)?;
        if now < self.not_before {
            let detail = format!("it waits until {}", self.not_before);
            return Err(DomainError::not_possible("command_not_due", detail));
        }
        self.state = CommandState::Claimed;
        self.epoch = Some(epoch);
        self.claimed_at = Some(now);
        self.reason = None;
        Ok(())
    }

    /// Puts it back when its leader leaves or is gone; what its steps did stays recorded.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it is claimed.
    pub fn hand_back(&mut self) -> Result<(), DomainError> {
        self.must_be(CommandState::Claimed)?;
        self.state = CommandState::Queued;
        Ok(())
    }

    /// Ends it with what came of it.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it is claimed.
    pub fn done(&mut self, result: serde_json::Value, now: Timestamp) -> Result<(), DomainError> {
        self.must_be(CommandState::Claimed)?;
        self.state = CommandState::Done;
        self.result = result;
        self.ended_at = Some(now);
        Ok(())
    }

    /// Ends it without success.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when it has ended.
    pub fn fail(&mut self, reason: &str, now: Timestamp) -> Result<(), DomainError> {
        if !self.is_open() {
            return self.must_be(CommandState::Claimed);
        }
        self.state = CommandState::Failed;
        self.reason = Some(reason.to_owned());
        self.ended_at = Some(now);
        Ok(())
    }

    fn must_be(&self, state: CommandState) -> Result<(), DomainError> {
        if self.state == state {
            return Ok(());
        }
        let detail = format!("the command is {}", self.state.name());
        Err(DomainError::not_possible("command_state", detail))
    }
}

impl CommandState {
    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Claimed => "claimed",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests;
