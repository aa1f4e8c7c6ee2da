//! Where events are sent outside: how far each sink is, what it did last, and when it is given up.
//!
//! ```text
//!         410, or a person                not in the configuration any more
//! active ──────────────────► disabled                active ──► unconfigured
//!    ▲                          │                       ▲            │
//!    └──────── enable ──────────┘                       └────────────┘
//! ```
//!
//! **Invariant:** the cursor passes an event only when it was delivered, not wanted, kept as a dead letter, or
//! forgotten by the log, which is then noted as a gap. In one log it never goes back.
//! **Invariant:** no secret is in here: of an address only scheme, host and port.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{DomainError, SinkName, Timestamp};

mod dead_letter;
#[cfg(test)]
mod tests;

pub use dead_letter::{DeadLetter, DeadLetterState};

/// How many attempts a sink remembers: enough to see what is wrong, little enough to be written each time.
pub const KEPT_ATTEMPTS: usize = 100;

/// Whether a sink is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkState {
    /// It is.
    Active,
    /// Not until somebody enables it; events wait in the log as long as that keeps them.
    Disabled,
    /// The configuration of the leading relay does not have it.
    Unconfigured,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The receiver took it.
    Delivered,
    /// It did not; there will be another attempt.
    Failed,
    /// It did not, and the event became a dead letter.
    GivenUp,
}

/// One attempt to deliver one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Place of the event in the log.
    pub seq: u64,
    /// Id of the event.
    pub event: String,
    /// Type of the event, such as `worker.state_changed`.
    pub kind: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Status of the answer; none when nothing answered.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether a person asked for it.
    #[serde(default)]
    pub replay: bool,
}

/// A sink that did not take the last event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// When the first of the failures in a row was.
    pub since: Timestamp,
    /// Failures in a row, whichever event they were about.
    pub failures: u32,
    /// The event that is tried.
    pub seq: u64,
    /// Attempts of that event.
    pub attempts: u32,
    /// Not before this moment again.
    pub next_at: Timestamp,
    /// Why the last attempt failed.
    pub error: String,
}

/// Events that the log had forgotten before they could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The first of them.
    pub from: u64,
    /// The last of them.
    pub to: u64,
    /// When that was noticed.
    pub at: Timestamp,
}

/// What a sink did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkCounts {
    /// Events delivered.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events that became dead letters.
    pub dead: u64,
    /// Events that the log had forgotten, whether wanted or not.
    pub missed: u64,
}

/// A sink: everything about it but the address and its secrets, which are configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// Its name in the configuration.
    pub name: SinkName,
    /// Grows with every write.
    pub rev: u64,
    /// Scheme, host and port; the rest of an address may be secret.
    pub target: String,
    /// Patterns of the event types that it is sent; empty for all.
    pub types: Vec<String>,
    /// Whether it is sent to.
    pub state: SinkState,
    /// Since when.
    pub state_since: Timestamp,
    /// Why it is disabled.
    #[serde(default)]
    pub reason: Option<String>,
    /// The last event that was dealt with.
    pub cursor: u64,
    /// Set while it does not take what it is sent.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// The event that a person wants to be given up.
    #[serde(default)]
    pub skip: Option<u64>,
    /// The last gap.
    #[serde(default)]
    pub gap: Option<Gap>,
    /// What it did since it was made.
    pub counts: SinkCounts,
    /// The last attempts, newest last.
    #[serde(default)]
    pub recent: VecDeque<Attempt>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Sink {
    /// Makes a sink that is sent what comes behind `cursor`.
    #[must_use]
    pub fn new(
        name: SinkName,
        target: String,
        types: Vec<String>,
        cursor: u64,
        now: Timestamp,
    ) -> Self {
        Self {
            name,
            rev: 1,
            target,
            types,
            state: SinkState::Active,
            state_since: now,
            reason: None,
            cursor,
            failing: None,
            skip: None,
            gap: None,
            counts: SinkCounts::default(),
            recent: VecDeque::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether it is sent to.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == SinkState::Active
    }

    /// Takes over what the configuration says; one that a receiver disabled stays disabled.
    pub fn configure(&mut self, target: &str, types: &[String], now: Timestamp) {
        target.clone_into(&mut self.target);
        types.clone_into(&mut self.types);
        if self.state == SinkState::Unconfigured {
            self.enter(SinkState::Active, None, now);
        }
    }

    /// Notes that the configuration does not have it any more.
    pub fn unconfigure(&mut self, now: Timestamp) {
        if self.state != SinkState::Unconfigured {
            self.enter(SinkState::Unconfigured, None, now);
        }
    }

    /// Stops sending until somebody enables it.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when it is not configured.
    pub fn disable(&mut self, reason: &str, now: Timestamp) -> Result<(), DomainError> {
        self.must_be_configured()?;
        if self.is_active() {
            self.enter(SinkState::Disabled, Some(reason.to_owned()), now);
        }
        Ok(())
    }

    /// Sends again, at once and with all its time anew.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when it is not configured.
    pub fn enable(&mut self, now: Timestamp) -> Result<(), DomainError> {
        self.must_be_configured()?;
        if !self.is_active() {
            self.enter(SinkState::Active, None, now);
        }
        // Whoever enables an active sink wants it to be tried now.
        self.failing = None;
        self.skip = None;
        Ok(())
    }

    /// Lets the event that holds up the others become a dead letter.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when no event holds up others.
    pub fn skip(&mut self) -> Result<u64, DomainError> {
        let Some(failing) = &self.failing else {
            let detail = "no event holds up others; every one was taken so far";
            return Err(DomainError::not_possible("sink_not_failing", detail));
        };
        self.skip = Some(failing.seq);
        Ok(failing.seq)
    }

    /// Insists that it can be sent to.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when it is disabled or not configured.
    pub fn must_be_active(&self) -> Result<(), DomainError> {
        self.must_be_configured()?;
        if self.is_active() {
            return Ok(());
        }
        let detail = format!("the sink {} is disabled; enable it first", self.name);
        Err(DomainError::not_possible("sink_disabled", detail))
    }

    /// Passes events that are not wanted.
    pub fn pass(&mut self, seq: u64) {
        self.cursor = self.cursor.max(seq);
    }

    /// Goes on at the end of a log that is younger than the sink, as after a store was set up anew.
    pub fn restart(&mut self, head: u64) {
        if self.cursor > head {
            self.cursor = head;
            self.failing = None;
            self.skip = None;
        }
    }

    /// Notes that an event was delivered, and passes it.
    pub fn deliver(&mut self, attempt: Attempt) {
        if attempt.seq <= self.cursor {
            return;
        }
        self.pass(attempt.seq);
        self.failing = None;
        self.skip = None;
        self.counts.delivered += 1;
        self.remember(attempt);
    }

    /// Notes a failed attempt, to be repeated after `pause`.
    pub fn fail(&mut self, attempt: Attempt, pause: Duration, now: Timestamp) {
        if attempt.seq <= self.cursor {
            return;
        }
        let (since, failures, attempts) = match &self.failing {
            Some(failing) if failing.seq == attempt.seq => {
                (failing.since, failing.failures, failing.attempts)
            }
            Some(failing) => (failing.since, failing.failures, 0),
            None => (now, 0, 0),
        };
        self.failing = Some(Failing {
            since,
            failures: failures.saturating_add(1),
            seq: attempt.seq,
            attempts: attempts.saturating_add(1),
            next_at: now.plus(pause),
            error: attempt.error.clone().unwrap_or_default(),
        });
        self.counts.failed += 1;
        self.remember(attempt);
    }

    /// Passes an event that became a dead letter. The sink itself goes on failing until it takes something.
    pub fn give_up(&mut self, seq: u64) {
        if seq <= self.cursor {
            return;
        }
        self.pass(seq);
        self.skip = None;
        self.counts.dead += 1;
        if let Some(last) = self.recent.back_mut()
            && last.seq == seq
        {
            last.outcome = AttemptOutcome::GivenUp;
        }
    }

    /// Notes that the log begins at `oldest`, behind events that were not sent yet; returns the gap.
    pub fn miss(&mut self, oldest: u64, now: Timestamp) -> Option<Gap> {
        let (from, to) = (self.cursor + 1, oldest.saturating_sub(1));
        if from > to {
            return None;
        }
        let gap = Gap { from, to, at: now };
        self.gap = Some(gap);
        self.counts.missed += to - from + 1;
        self.pass(to);
        Some(gap)
    }

    /// Notes an attempt that a person asked for; the cursor has passed its event long ago.
    pub fn replayed(&mut self, attempt: Attempt) {
        self.remember(attempt);
    }

    /// Says whether an event of that age is to be given up now.
    ///
    /// Its time runs since it happened, but only while the sink fails: after an outage of ours each event is
    /// tried before any is given up, and after one of the receiver everything younger is delivered.
    #[must_use]
    pub fn gives_up(&self, seq: u64, happened: Timestamp, after: Duration, now: Timestamp) -> bool {
        let Some(failing) = &self.failing else { return false };
        let is_old = now.since(failing.since) >= after && now.since(happened) >= after;
        is_old || self.skip == Some(seq)
    }

    fn enter(&mut self, state: SinkState, reason: Option<String>, now: Timestamp) {
        self.state = state;
        self.state_since = now;
        self.reason = reason;
        self.failing = None;
        self.skip = None;
    }

    fn remember(&mut self, attempt: Attempt) {
        while self.recent.len() >= KEPT_ATTEMPTS {
            self.recent.pop_front();
        }
        self.recent.push_back(attempt);
    }

    fn must_be_configured(&self) -> Result<(), DomainError> {
        if self.state != SinkState::Unconfigured {
            return Ok(());
        }
        let detail = format!("the leading relay has no sink {} in its configuration", self.name);
        Err(DomainError::not_possible("sink_unconfigured", detail))
    }
}

impl SinkState {
    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Unconfigured => "unconfigured",
        }
    }
}

/// Returns the pause after so many failures in a row: it doubles up to `most`, and `luck` (0 to 1) says where
/// in the upper half of it, so that many sinks of one receiver spread.
#[must_use]
pub fn pause_after(failures: u32, first: Duration, most: Duration, luck: f64) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let bound = first.saturating_mul(doubled).min(most);
    bound.mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0)
}
