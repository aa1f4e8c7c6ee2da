//! The transitions of a run. Each refuses in a state that it does not fit and then changes nothing.

use std::collections::BTreeMap;

use super::{Jitter, MOST_CRASHES, RetryPolicy, Run, RunError, RunFact, RunState};
use crate::{Author, DomainError, Epoch, Timestamp};

impl Run {
    /// Starts an attempt.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it waits and its time has come.
    pub fn start(&mut self, epoch: Epoch, now: Timestamp) -> Result<(), DomainError> {
        self.must(self.state.waits(), "started")?;
        if let Some(at) = self.next_at.filter(|at| *at > now) {
            let detail = format!("the run waits until {at}");
            return Err(DomainError::not_possible("run_not_due", detail));
        }
        self.state = RunState::Running;
        self.attempt += 1;
        self.starts += 1;
        self.epoch = Some(epoch);
        self.started_at = Some(now);
        self.ended_at = None;
        self.next_at = None;
        self.facts.push(RunFact::Started);
        Ok(())
    }

    /// Ends it well.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it runs.
    pub fn succeed(
        &mut self,
        counts: BTreeMap<String, u64>,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        self.must(self.state == RunState::Running, "ended")?;
        self.end(RunState::Succeeded, outcome, now);
        self.counts = counts;
        self.error = None;
        self.facts.push(RunFact::Finished);
        Ok(())
    }

    /// Ends the attempt without success; the next one comes after a pause, not sooner than the error asks
    /// for, or the run is dead.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it runs.
    pub fn fail(
        &mut self,
        error: RunError,
        policy: &RetryPolicy,
        jitter: Jitter,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        self.must(self.state == RunState::Running, "failed")?;
        if error.permanent || self.attempt >= policy.attempts {
            let outcome = format!("given up after {} of {}", self.attempt, policy.attempts);
            self.end(RunState::Dead, &outcome, now);
        } else {
            let asked = error.retry_after.unwrap_or_default().min(policy.most);
            let next_at = now.plus(policy.pause(self.attempt, jitter).max(asked));
            let outcome = format!(
                "attempt {} of {} failed, the next is at {next_at}",
                self.attempt, policy.attempts
            );
            self.end(RunState::Failed, &outcome, now);
            self.next_at = Some(next_at);
        }
        self.error = Some(error);
        self.facts.push(RunFact::Failed);
        Ok(())
    }

    /// Takes it from a leader that is gone: it starts again at once, or is quarantined.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it runs.
    pub fn abandon(&mut self, now: Timestamp) -> Result<(), DomainError> {
        self.must(self.state == RunState::Running, "abandoned")?;
        self.crashes += 1;
        self.attempt = self.attempt.saturating_sub(1);
        if self.crashes >= MOST_CRASHES {
            let outcome = format!("its process was lost {} times while it ran", self.crashes);
            self.end(RunState::Quarantined, &outcome, now);
            self.error = Some(RunError::permanent("crashed", outcome));
            self.facts.push(RunFact::Failed);
        } else {
            self.end(RunState::Abandoned, "its leader was lost; it starts again", now);
            self.next_at = Some(now);
        }
        Ok(())
    }

    /// Gives it back before a leader leaves in order; counts neither as attempt nor as crash.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it runs.
    pub fn hand_back(&mut self, now: Timestamp) -> Result<(), DomainError> {
        self.must(self.state == RunState::Running, "handed back")?;
        self.attempt = self.attempt.saturating_sub(1);
        self.end(RunState::Queued, "handed over to the next leader", now);
        self.next_at = Some(now);
        Ok(())
    }

    /// Puts it back by a person's wish, with all attempts anew.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it is dead or quarantined.
    pub fn requeue(&mut self, by: &Author, now: Timestamp) -> Result<(), DomainError> {
        let given_up = matches!(self.state, RunState::Dead | RunState::Quarantined);
        self.must(given_up, "put back: only dead and quarantined runs can")?;
        self.state = RunState::Queued;
        self.attempt = 0;
        self.crashes = 0;
        self.next_at = Some(now);
        self.outcome = Some(format!("put back by {by}"));
        self.requeued_by = Some(by.clone());
        Ok(())
    }

    /// Ends it before it is started.
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] unless it waits.
    pub fn skip(&mut self, reason: &str, now: Timestamp) -> Result<(), DomainError> {
        self.must(self.state.waits(), "skipped")?;
        self.end(RunState::Skipped, reason, now);
        self.facts.push(RunFact::Finished);
        Ok(())
    }

    fn end(&mut self, state: RunState, outcome: &str, now: Timestamp) {
        self.state = state;
        self.ended_at = Some(now);
        self.next_at = None;
        self.outcome = Some(outcome.to_owned());
    }
}
