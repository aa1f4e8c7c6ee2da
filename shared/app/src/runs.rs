//! Runs: what ran, when, how long, why not; dead ones are put back by people.

use ccm_domain::{Actor, DomainError, Permission, Run, RunState, WorkerId};
use ccm_ports::{Chime, Filter, Page, Query, Writer};

use crate::{Fleet, Result};

/// Which runs to list; what is empty does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this schedule.
    pub schedule: Option<String>,
    /// About this worker.
    pub worker: Option<WorkerId>,
    /// In one of these states.
    pub states: Vec<RunState>,
}

impl Fleet {
    /// Lists runs.
    ///
    /// # Errors
    /// When the actor may not read, or the store fails.
    pub async fn list_runs(
        &self,
        actor: &Actor,
        filter: &RunFilter,
        page: Query,
    ) -> Result<Page<Run>> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        let mut query = page;
        if let Some(schedule) = &filter.schedule {
            query = query.is("schedule", schedule);
        }
        if let Some(worker) = filter.worker {
            query = query.is("worker", worker.to_string());
        }
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.name().to_owned()).collect();
            query = query.and(Filter::In("state", states));
        }
        Ok(self.stores.runs.list(&query).await?)
    }

    /// Returns a run.
    ///
    /// # Errors
    /// When the actor may not read, or there is none.
    pub async fn find_run(&self, actor: &Actor, id: &str) -> Result<Run> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        Ok(self.stores.runs.get(id).await?)
    }

    /// Puts a dead or quarantined run back, with all attempts anew.
    ///
    /// # Errors
    /// When the actor may not, or the run was not given up.
    pub async fn requeue_run(&self, actor: &Actor, id: &str) -> Result<Run> {
        actor.must(Permission::ControlSchedules).map_err(DomainError::from)?;
        let (by, now) = (actor.author(), self.clock.now());
        let requeue = |run: &mut Run| Ok(run.requeue(&by, now)?);
        let (run, ()) = self.update(&self.stores.runs, id, Writer::Intent, requeue).await?;
        self.bell.ring(Chime::Commands).await;
        Ok(run)
    }
}
