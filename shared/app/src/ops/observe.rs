//! EC2 → statuses: one paged sweep per scope.

use std::collections::HashMap;

use ccm_domain::{Instance, InstanceId, Scope, Worker};
use ccm_ports::Query;
use futures_util::{StreamExt as _, stream};

use super::{FleetOps, Report};
use crate::{FleetError, Result};

/// How many workers of a sweep are written at once; the store batches them.
const WRITES_AT_ONCE: usize = 16;

impl FleetOps {
    /// Merges what EC2 says of one scope into the workers there.
    ///
    /// # Errors
    /// When EC2 or the store cannot be asked at all; an error of one worker is noted in the report.
    pub async fn observe_scope(&self, scope: &Scope) -> Result<Report> {
        let seen = self.remotes.compute.sweep(scope).await?;
        let seen: HashMap<InstanceId, Instance> =
            seen.into_iter().map(|i| (i.id.clone(), i)).collect();
        let workers = self.all_workers(Query::default().is("scope", scope.to_string())).await?;
        let mut report = Report::default();
        report.add("instances", seen.len() as u64);
        let writes: Vec<_> = workers
            .iter()
            .filter_map(|worker| Some((worker, seen.get(worker.instance_id()?))))
            .map(
                |(worker, found)| async move { (worker.id, self.observe_one(worker, found).await) },
            )
            .collect();
        let mut writes = stream::iter(writes).buffer_unordered(WRITES_AT_ONCE);
        while let Some((id, outcome)) = writes.next().await {
            match outcome {
                Ok(true) => report.count("changed"),
                Ok(false) => report.count("unchanged"),
                Err(err @ FleetError::Store(ccm_ports::StoreError::Stale)) => return Err(err),
                Err(err) => report.error(id, &err),
            }
        }
        Ok(report)
    }

    /// Looks at one worker's instance now.
    ///
    /// # Errors
    /// When EC2 or the store cannot be asked.
    pub async fn look_at(&self, worker: &Worker) -> Result<Worker> {
        let Some(id) = worker.instance_id() else { return Ok(worker.clone()) };
        let seen = self.remotes.compute.look(&worker.scope, std::slice::from_ref(id)).await?;
        self.observe_one(worker, seen.first()).await?;
        Ok(self.fleet.stores.workers.get(&worker.id.to_string()).await?)
    }

    /// Writes one sight; returns whether it changed anything.
    pub(super) async fn observe_one(
        &self,
        worker: &Worker,
        found: Option<&Instance>,
    ) -> Result<bool> {
        let now = self.fleet.now();
        let endpoint = found.and_then(|i| self.remotes.endpoint.expand(&worker.scope, i));
        // Most sights of a sweep change nothing; those cost no read and no write.
        let mut trial = worker.clone();
        see(&mut trial, found, endpoint.clone(), now);
        if trial == *worker {
            return Ok(false);
        }
        let (after, ()) =
            self.with_worker(worker.id, |w| see(w, found, endpoint.clone(), now)).await?;
        Ok(after.rev != worker.rev)
    }
}

fn see(
    worker: &mut Worker,
    found: Option<&Instance>,
    endpoint: Option<String>,
    now: ccm_domain::Timestamp,
) {
    match found {
        Some(instance) => worker.observe_instance(instance, endpoint, now),
        None => worker.observe_absent(now),
    }
}
