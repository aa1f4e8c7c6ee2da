//! What is due: slots, commands, retries and runs that were put back.
//!
//! Wakes at the next due moment, when the bell rings, and at least each second: so a changed schedule is
//! in force within a second even when the bell is lost.

use std::time::Duration;

use ccm_app::{FleetError, Result};
use ccm_domain::schedule::Due;
use ccm_domain::{Command, CommandKind, CommandState, Run, Schedule, Slot, Timestamp};
use ccm_ports::{Chime, Document, Filter, Query, StoreError, sortable};
use ccm_telemetry::propagate;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::Engine;

/// The longest time between two ticks, on the machine's clock.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The shortest, so that a fast clock does not make the ticker spin.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// How often the store is looked through for what was left half done.
const RECOVER_EVERY: Duration = Duration::from_secs(60);

/// How many waiting runs are looked at in a tick.
const MOST_WAITING: u32 = 500;

impl Engine {
    /// Claims what is due and hands it to the lanes; returns when something is due next, as far as known.
    ///
    /// # Errors
    /// When the store fails, or another leader has taken over.
    pub async fn tick(&self) -> Result<Option<Timestamp>> {
        let now = self.now();
        let slots = self.claim_slots(now).await?;
        let commands = self.claim_commands(now).await?;
        let runs = self.pick_runs(now).await?;
        Ok([slots, commands, runs].into_iter().flatten().min())
    }

    /// Ticks until `leaving` is cancelled.
    pub(crate) async fn keep_ticking(&self, leaving: &CancellationToken) -> Result<()> {
        let mut bell = self.parts.fleet.bell.listen(Chime::Commands).await;
        let mut recovered = tokio::time::Instant::now();
        while !leaving.is_cancelled() {
            if recovered.elapsed() >= RECOVER_EVERY {
                recovered = tokio::time::Instant::now();
                survive(self.recover().await)?;
            }
            let next = survive(self.tick().await)?.flatten();

            let pause = next.map_or(LONGEST_PAUSE, |next| self.real_time_until(next));
            tokio::select! {
                () = leaving.cancelled() => {}
                () = tokio::time::sleep(pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)) => {}
                Some(()) = bell.next() => {}
            }
        }
        Ok(())
    }

    async fn claim_slots(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let mut next = None;
        for schedule in self.schedules().await? {
            let mut schedule = schedule;
            // More than one only where missed slots are caught up.
            while schedule.due(now).is_some() {
                let before = schedule.rev;
                let (claimed, due) = self.claim_slot(&schedule, now).await?;
                schedule = claimed;
                if let Some(slot) = due.and_then(|due| due.run) {
                    let run = self.make_slot_run(&schedule, slot).await?;
                    self.hand_over(run);
                }
                if schedule.rev == before {
                    break;
                }
            }
            // One that waits for the end of the run before it is looked at with every tick anyway.
            let ahead = schedule.next_at.map(Slot::due_at).filter(|at| *at > now);
            next = next.into_iter().chain(ahead).min();
        }
        Ok(next)
    }

    async fn claim_slot(
        &self,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<(Schedule, Option<Due>)> {
        let schedules = &self.parts.fleet.stores.schedules;
        let claim = |schedule: &mut Schedule| Ok(schedule.claim(now));
        let writer = self.ops().writer();
        let (schedule, due) =
            self.parts.fleet.update(schedules, &schedule.key(), writer, claim).await?;
        if let Some(skipped) = due.and_then(|due| due.skipped) {
            self.parts.instruments.skipped(&schedule.spec.name, &skipped);
        }
        Ok((schedule, due))
    }

    /// Makes the run of a claimed slot, or returns the one that is there.
    pub(crate) async fn make_slot_run(&self, schedule: &Schedule, slot: Slot) -> Result<Run> {
        let spec = &schedule.spec;
        let mut run = Run::of_slot(&spec.name, &spec.job, slot, self.now());
        // While a trigger waits, the slot is not yet its.
        run.traceparent = schedule.triggered_in.clone().filter(|_| schedule.triggered.is_none());
        self.make_run(run).await
    }

    async fn make_run(&self, mut run: Run) -> Result<Run> {
        let runs = &self.parts.fleet.stores.runs;
        if run.traceparent.is_none() {
            let claim = self.parts.tracer.span(format!("claim {}", run.job));
            let claim = claim.with("job.run_id", run.id.to_string()).start();
            run.traceparent = Some(claim.traceparent());
        }
        run.trace_id = run.traceparent.as_deref().and_then(propagate::trace_id);
        match self.parts.fleet.insert(runs, &mut run, self.ops().writer()).await {
            Ok(()) => Ok(run),
            Err(FleetError::Store(StoreError::Taken(_))) => Ok(runs.get(run.id.as_str()).await?),
            Err(err) => Err(err),
        }
    }

    async fn claim_commands(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let commands = &self.parts.fleet.stores.commands;
        let waiting = Query::default().is("state", CommandState::Queued.name());
        let due = waiting.clone().and(Filter::Below("due", sortable(now.plus(MILLI))));
        for command in self.listed(commands, due).await? {
            let claim = self.claim_command(&command, now);
            match propagate::within(command.traceparent.as_deref(), claim).await {
                // Somebody else ended it, or forgot it.
                Ok(())
                | Err(FleetError::Domain(_) | FleetError::Store(StoreError::NotFound(_))) => {}
                Err(err) => return Err(err),
            }
        }
        let first = waiting.by("due", false).limit(1);
        Ok(commands.list(&first).await?.items.pop().map(|command| command.not_before))
    }

    async fn claim_command(&self, command: &Command, now: Timestamp) -> Result<()> {
        let commands = &self.parts.fleet.stores.commands;
        let (epoch, writer) = (self.parts.epoch, self.ops().writer());
        let claim = |command: &mut Command| Ok(command.claim(epoch, now)?);
        let (command, ()) =
            self.parts.fleet.update(commands, &command.key(), writer, claim).await?;
        if let CommandKind::Trigger { schedule } = &command.kind {
            return self.trigger(&command, schedule, now).await;
        }
        let Some(job) = command.kind.job() else { return Ok(()) };
        let mut run = Run::of_command(command.id, job, command.kind.worker(), now);
        run.queued_at = command.asked_at.max(command.not_before);
        run.traceparent.clone_from(&command.traceparent);
        let run = self.make_run(run).await?;
        self.hand_over(run);
        Ok(())
    }

    /// Carries out the wish to run a schedule now; its slot is claimed with the next tick.
    async fn trigger(&self, command: &Command, name: &str, now: Timestamp) -> Result<()> {
        let fleet = &self.parts.fleet;
        let by = &command.asked_by;
        let trigger = |schedule: &mut Schedule| Ok(schedule.trigger(by, now));
        let asked = fleet.update(&fleet.stores.schedules, name, self.ops().writer(), trigger).await;
        let end = |command: &mut Command| {
            Ok(match &asked {
                Ok((_, slot)) => command.done(serde_json::json!({ "slot": slot }), now),
                Err(err) => command.fail(&err.to_string(), now),
            }?)
        };
        fleet.update(&fleet.stores.commands, &command.key(), self.ops().writer(), end).await?;
        fleet.bell.ring(Chime::Commands).await;
        match asked {
            Ok(_) | Err(FleetError::Store(StoreError::NotFound(_))) => Ok(()),
            Err(err) => Err(err),
        }
    }

    /// Hands over runs whose time has come: retries, abandoned ones, those that were put back.
    async fn pick_runs(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let first = Query::default().by("next", false).limit(MOST_WAITING);
        for run in self.parts.fleet.stores.runs.list(&first).await?.items {
            if !run.is_due(now) {
                return Ok(run.next_at);
            }
            self.hand_over(run);
        }
        Ok(None)
    }
}

const MILLI: Duration = Duration::from_millis(1);

/// Lets a failure of the store pass until the next tick; only a newer leader ends the ticking.
fn survive<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(err @ FleetError::Store(StoreError::Stale)) => Err(err),
        Err(err) => {
            let error = &err as &dyn std::error::Error;
            tracing::warn!(error, "a tick did not come to its end");
            Ok(None)
        }
    }
}
