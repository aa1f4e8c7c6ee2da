//! What a lost leader, or a lost write, left half done.
//!
//! ```text
//! running run of nobody        → abandoned, starts again, or quarantined
//! claimed slot without a run   → the run is made
//! claimed command without one  → back into the queue
//! ended run, slot or command open → they are ended
//! ```
//!
//! Runs at the start of a term and with every sweep of the store that the ticker makes now and then.

use ccm_app::{FleetError, Result};
use ccm_domain::schedule::job;
use ccm_domain::{Command, CommandState, DomainError, Run, RunId, RunState, Schedule};
use ccm_ports::{Document, Query, Shared, StoreError};

use crate::Engine;

impl Engine {
    /// Repairs what was left half done.
    ///
    /// # Errors
    /// When the store fails, or another leader has taken over.
    pub async fn recover(&self) -> Result<()> {
        self.abandon_lost_runs().await?;
        for schedule in self.schedules().await? {
            self.repair_slot(&schedule).await?;
        }
        let claimed = Query::default().is("state", CommandState::Claimed.name());
        for command in self.listed(&self.parts.fleet.stores.commands, claimed).await? {
            self.repair_command(&command).await?;
        }
        Ok(())
    }

    async fn abandon_lost_runs(&self) -> Result<()> {
        let runs = &self.parts.fleet.stores.runs;
        let running = Query::default().is("state", RunState::Running.name());
        for run in self.listed(runs, running).await? {
            if self.is_under_way(&run.id) {
                continue;
            }
            let now = self.now();
            let abandon = |run: &mut Run| Ok(run.abandon(now)?);
            match self.parts.fleet.update(runs, run.id.as_str(), self.ops().writer(), abandon).await
            {
                Ok((run, ())) => {
                    tracing::warn!(
                        run.id = %run.id,
                        run.crashes = run.crashes,
                        "run {} was under way when its leader was lost: {}",
                        run.id,
                        run.state.name()
                    );
                    self.close(&run, serde_json::Value::Null).await?;
                }
                // It ended a moment ago.
                Err(FleetError::Domain(DomainError::NotPossible { .. })) => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    async fn repair_slot(&self, schedule: &Schedule) -> Result<()> {
        let Some(slot) = schedule.open else { return Ok(()) };
        let id = RunId::of_slot(&schedule.spec.name, slot);
        match self.parts.fleet.stores.runs.find(id.as_str()).await? {
            None => {
                self.make_slot_run(schedule, slot).await?;
            }
            Some(run) if run.state.is_final() => self.close(&run, serde_json::Value::Null).await?,
            Some(run) if job(&run.job).is_none() && run.state.waits() => {
                self.skip(&run, "this version has no such job").await?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    async fn repair_command(&self, command: &Command) -> Result<()> {
        let id = RunId::of_command(command.id);
        match self.parts.fleet.stores.runs.find(id.as_str()).await? {
            None => {
                let commands = &self.parts.fleet.stores.commands;
                let back = |command: &mut Command| Ok(command.hand_back()?);
                let writer = self.ops().writer();
                match self.parts.fleet.update(commands, &command.key(), writer, back).await {
                    Ok(_) | Err(FleetError::Domain(_)) => Ok(()),
                    Err(err) => Err(err),
                }
            }
            Some(run) if run.state.is_final() => self.close(&run, serde_json::Value::Null).await,
            Some(_) => Ok(()),
        }
    }

    async fn skip(&self, run: &Run, reason: &str) -> Result<()> {
        let (runs, now) = (&self.parts.fleet.stores.runs, self.now());
        let skip = |run: &mut Run| Ok(run.skip(reason, now)?);
        let writer = self.ops().writer();
        let (run, ()) = self.parts.fleet.update(runs, run.id.as_str(), writer, skip).await?;
        self.close(&run, serde_json::Value::Null).await
    }

    pub(crate) async fn listed<D: Document>(
        &self,
        all: &Shared<D>,
        mut query: Query,
    ) -> Result<Vec<D>, StoreError> {
        let mut found = Vec::new();
        loop {
            let page = all.list(&query).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }
}
