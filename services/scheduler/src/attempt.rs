//! One attempt of a run: started, carried out by its lane, ended; then its slot and its command.
//!
//! **Invariant:** slot and command are ended only after the run's final state is written; whoever is lost
//! in between leaves it to `recovery`.

use std::time::Duration;

use ccm_app::{FleetError, Result};
use ccm_domain::run::Jitter;
use ccm_domain::{
    Command, CommandKind, DomainError, OperationId, Run, RunError, RunFact, RunState, Schedule,
};
use ccm_events::payload::run_moments;
use ccm_ports::{Shared, StoreError, lab_key};
use ccm_telemetry::{Span, propagate};
use rand::Rng as _;
use serde_json::Value;

use crate::Engine;
use crate::engine::Claimed;
use crate::jobs::Outcome;

/// Pauses between two tries to write the end of a run while the store is away.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How an attempt came to its end.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The job ended well.
    Well(Outcome),
    /// It did not.
    Badly(RunError),
    /// This leader leaves; the next one starts the run again.
    HandedBack,
    /// Another leader has taken over: nothing is written.
    Deposed,
}

impl Ended {
    /// Says on the span of the attempt how it ended.
    pub(crate) fn tell(&self, span: &Span) {
        match self {
            Self::Well(_) => {}
            Self::Badly(error) => {
                span.set("job.error", error.code.clone());
                span.fail("failed");
            }
            Self::HandedBack => span.fail("handed_back"),
            Self::Deposed => span.fail("deposed"),
        }
    }
}

impl Engine {
    /// Starts an attempt; none when the run is not to be started any more.
    pub(crate) async fn begin(&self, claimed: &Claimed) -> Option<Run> {
        let (epoch, now) = (self.parts.epoch, self.now());
        let start = |run: &mut Run| Ok(run.start(epoch, now)?);
        match self.write_run(&claimed.run, start).await {
            Ok(run) => {
                let due = run.slot.map_or(claimed.run.queued_at, |slot| slot.due_at());
                if run.starts == 1 {
                    self.parts.instruments.began(&run.job, now.since(due));
                }
                self.tell_moment(&run, &RunFact::Started).await;
                Some(run)
            }
            // Somebody skipped it, or it was started under another roof.
            Err(FleetError::Domain(err)) => {
                tracing::debug!(run.id = %claimed.run.id, error = %err, "run not started");
                None
            }
            Err(err) => {
                lost(&claimed.run, "started", &err);
                None
            }
        }
    }

    /// Ends an attempt, repeating the write as long as the store is away.
    pub(crate) async fn end(&self, run: &Run, ended: Ended) {
        let (now, began) = (self.now(), run.started_at.unwrap_or_default());
        let (outcome, result) = match ended {
            Ended::Deposed => return,
            Ended::HandedBack => (self.write_end(run, |run| run.hand_back(now)).await, Value::Null),
            Ended::Well(Outcome { report, result }) => {
                let text = report.errors.join("; ");
                let succeed =
                    |run: &mut Run| run.succeed(report.counts.clone(), text.as_str(), now);
                (self.write_end(run, succeed).await, result)
            }
            Ended::Badly(error) => (self.write_failure(run, &error).await, Value::Null),
        };
        let Some(run) = outcome else { return };
        self.parts.instruments.ended(&run.job, run.state, now.since(began));
        if run.state == RunState::Succeeded {
            self.parts.instruments.succeeded(&run.job, now);
            self.tell_moment(&run, &RunFact::Finished).await;
        }
        if let Err(err) = self.close(&run, result).await {
            lost(&run, "closed", &err);
        }
    }

    /// Ends the slot and the command of a run that is final; repeating it does no harm.
    pub(crate) async fn close(&self, run: &Run, result: Value) -> Result<()> {
        if !run.state.is_final() {
            return Ok(());
        }
        let ended_at = run.ended_at.unwrap_or_else(|| self.now());
        if let (Some(name), Some(slot)) = (&run.schedule, run.slot) {
            let finish = |s: &mut Schedule| {
                s.finish(slot, run.state, ended_at);
                Ok(())
            };
            self.write(&self.parts.fleet.stores.schedules, name, finish).await?;
        }
        if let Some(command) = run.command {
            let end = |c: &mut Command| match run.state {
                RunState::Succeeded => c.done(result.clone(), ended_at),
                RunState::Queued
                | RunState::Running
                | RunState::Failed
                | RunState::Dead
                | RunState::Abandoned
                | RunState::Skipped
                | RunState::Quarantined => c.fail(&reason_of(run), ended_at),
            };
            // A command that has ended already keeps its end.
            let end = |c: &mut Command| {
                if c.is_open() {
                    end(c)?;
                }
                Ok(())
            };
            self.write(&self.parts.fleet.stores.commands, &command.to_string(), end).await?;
            self.release_lab(command).await?;
        }
        Ok(())
    }

    /// A lab whose action was given up must not stay blocked by it.
    async fn release_lab(&self, command: OperationId) -> Result<()> {
        let stores = &self.parts.fleet.stores;
        let Some(command) = stores.commands.find(&command.to_string()).await? else {
            return Ok(());
        };
        let CommandKind::LabAction { worker, lab, .. } = &command.kind else { return Ok(()) };
        match stores.labs.find(&lab_key(*worker, lab)).await? {
            Some(lab) => self.ops().settle_action(&lab).await,
            None => Ok(()),
        }
    }

    async fn write_failure(&self, run: &Run, error: &RunError) -> Option<Run> {
        let now = self.now();
        let job = ccm_domain::schedule::job(&run.job)?;
        let (retry, jitter) = (job.retry(), Jitter::per_mille(rand::rng().random_range(0..=1_000)));
        tracing::warn!(
            run.id = %run.id,
            run.attempt = run.attempt,
            error.code = error.code,
            error = error.text,
            "attempt {} of {} failed",
            run.attempt,
            run.id
        );
        self.write_end(run, |run| run.fail(error.clone(), &retry, jitter, now)).await
    }

    /// Writes an end until it is written or does not matter any more.
    async fn write_end(
        &self,
        run: &Run,
        mut end: impl FnMut(&mut Run) -> Result<(), DomainError> + Send,
    ) -> Option<Run> {
        let mut pause = FIRST_PAUSE;
        loop {
            let err = match self.write_run(run, |run| Ok(end(run)?)).await {
                Ok(run) => return Some(run),
                Err(err) => err,
            };
            let away = matches!(
                err,
                FleetError::Store(StoreError::Unavailable(_)) | FleetError::Contended(_)
            );
            lost(run, "ended", &err);
            if !away {
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn write_run(
        &self,
        run: &Run,
        transition: impl FnMut(&mut Run) -> Result<()> + Send,
    ) -> Result<Run> {
        let (runs, writer) = (&self.parts.fleet.stores.runs, self.ops().writer());
        Ok(self.parts.fleet.update(runs, run.id.as_str(), writer, transition).await?.0)
    }

    /// Writes to a document that may have been forgotten meanwhile.
    async fn write<A: ccm_app::Aggregate>(
        &self,
        all: &Shared<A>,
        key: &str,
        transition: impl FnMut(&mut A) -> Result<()> + Send,
    ) -> Result<()> {
        match self.parts.fleet.update(all, key, self.ops().writer(), transition).await {
            Ok(_) | Err(FleetError::Store(StoreError::NotFound(_))) => Ok(()),
            Err(err) => Err(err),
        }
    }

    async fn tell_moment(&self, run: &Run, fact: &RunFact) {
        for mut moment in run_moments(run, std::slice::from_ref(fact), self.now()) {
            moment.traceparent = propagate::current();
            self.ops().tell(&moment).await;
        }
    }
}

/// Logs a write that did not land.
fn lost(run: &Run, what: &str, err: &FleetError) {
    let error = err as &dyn std::error::Error;
    tracing::warn!(run.id = %run.id, error, "run {} could not be {what}", run.id);
}

fn reason_of(run: &Run) -> String {
    let failed = run.error.as_ref().map(|error| error.text.clone());
    failed.or_else(|| run.outcome.clone()).unwrap_or_else(|| run.state.name().to_owned())
}
