//! Everything about one worker, now.

use ccm_domain::{Worker, WorkerId};

use super::{FleetOps, Report};
use crate::{FleetError, Result};

impl FleetOps {
    /// Looks at a worker's instance, controller, load, licence, labs and activity.
    ///
    /// # Errors
    /// When the store fails or EC2 cannot be asked; what the controller refuses is noted in the report.
    pub async fn refresh_worker(&self, id: WorkerId) -> Result<(Worker, Report)> {
        let known = self.fleet.stores.workers.get(&id.to_string()).await?;
        let seen = self.look_at(&known).await?;
        let mut report = Report::default();
        if seen.runs() {
            report.merge(self.measure_worker(&seen).await?);
            let seen = self.fleet.stores.workers.get(&id.to_string()).await?;
            match self.refresh_labs(&seen).await {
                Ok(labs) => report.merge(labs),
                Err(err @ FleetError::Remote(_)) => report.error("labs", &err),
                Err(err) => return Err(err),
            }
            let settings = self.settings().await?;
            report.merge(self.detect_activity(&seen, &settings).await?);
        }
        Ok((self.fleet.stores.workers.get(&id.to_string()).await?, report))
    }
}
