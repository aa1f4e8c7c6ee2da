//! Every job has its schedule: missing ones are made, stored ones win.

use ccm_app::FleetError;
use ccm_domain::Schedule;
use ccm_domain::schedule::JOBS;
use ccm_ports::{Query, StoreError};

use crate::Engine;

impl Engine {
    /// Makes the schedules of periodic jobs that have none, as configured.
    pub(crate) async fn bring_schedules(&self) -> ccm_app::Result<()> {
        let fleet = &self.parts.fleet;
        for job in &JOBS {
            let Some(spec) = self.parts.jobs.schedule(job) else { continue };
            if fleet.stores.schedules.find(&spec.name).await?.is_some() {
                continue;
            }
            let mut schedule = Schedule::new(spec, fleet.now())?;
            match fleet.insert(&fleet.stores.schedules, &mut schedule, self.ops().writer()).await {
                Ok(()) | Err(FleetError::Store(StoreError::Taken(_))) => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    /// Returns all schedules.
    pub(crate) async fn schedules(&self) -> ccm_app::Result<Vec<Schedule>> {
        let mut query = Query::default();
        let mut all = Vec::new();
        loop {
            let page = self.parts.fleet.stores.schedules.list(&query).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Says when each job runs next.
    pub(crate) async fn log_schedules(&self) -> ccm_app::Result<()> {
        for schedule in self.schedules().await? {
            let name = &schedule.spec.name;
            if let Some(at) = schedule.last_success_at {
                self.parts.instruments.succeeded(&schedule.spec.job, at);
            }
            match schedule.next_at.map(|slot| slot.due_at().max(self.now())) {
                Some(at) => tracing::info!(schedule.name = name, "{name} runs next at {at}"),
                None => tracing::info!(schedule.name = name, "{name} is paused"),
            }
        }
        Ok(())
    }
}
