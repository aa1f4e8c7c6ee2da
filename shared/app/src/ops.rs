//! Acting: what the leader does to AWS and CML, and what it writes of what it saw.

mod activity;
mod import;
mod labs;
mod licenses;
mod measure;
mod observe;
mod power;
mod prune;
mod reconcile;
mod refresh;
mod report;
mod terminate;

use std::sync::Arc;

use ccm_domain::settings::Settings;
use ccm_domain::{Epoch, Instance, Scope, Worker, WorkerId};
use ccm_events::{Change, Event};
use ccm_ports::{
    CmlApi, Compute, Controller, EventPublisher, Measure, Query, SETTINGS_KEY, Writer,
};

pub use reconcile::{Reconciled, Sight};
pub use report::Report;

use crate::{Fleet, Result};

/// How the address of a controller is made from what EC2 tells.
///
/// Knows `{public_ip}`, `{private_ip}`, `{instance_id}` and `{region}`.
#[derive(Clone, Debug)]
pub struct EndpointTemplate(pub String);

impl EndpointTemplate {
    /// Returns the address, or `None` while a part of it is not known.
    #[must_use]
    pub fn expand(&self, scope: &Scope, instance: &Instance) -> Option<String> {
        let parts = [
            ("{public_ip}", instance.public_ip.as_deref()),
            ("{private_ip}", instance.private_ip.as_deref()),
            ("{instance_id}", Some(instance.id.as_str())),
            ("{region}", Some(scope.region.as_str())),
        ];
        let mut text = self.0.clone();
        for (name, value) in parts {
            if text.contains(name) {
                text = text.replace(name, value?);
            }
        }
        Some(text)
    }
}

/// The remote ends that acting needs.
#[derive(Clone)]
pub struct Remotes {
    /// EC2.
    pub compute: Arc<dyn Compute>,
    /// CloudWatch.
    pub measure: Arc<dyn Measure>,
    /// The controllers.
    pub cml: Arc<dyn CmlApi>,
    /// Where ephemeral events are told.
    pub publisher: Arc<dyn EventPublisher>,
    /// Accounts and regions to look at.
    pub scopes: Vec<Scope>,
    /// How controllers are reached.
    pub endpoint: EndpointTemplate,
}

impl std::fmt::Debug for Remotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remotes").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// Acting on behalf of one leader's epoch; every write carries it.
#[derive(Clone, Debug)]
pub struct FleetOps {
    /// Reading and writing.
    pub fleet: Fleet,
    /// The world outside.
    pub remotes: Remotes,
    /// The epoch on whose behalf this acts.
    pub epoch: Epoch,
}

impl FleetOps {
    /// On whose behalf documents are written.
    #[must_use]
    pub const fn writer(&self) -> Writer {
        Writer::Leader(self.epoch)
    }

    /// Applies a transition to a worker as the leader.
    ///
    /// # Errors
    /// As [`Fleet::update`].
    pub async fn with_worker<R: Send>(
        &self,
        id: WorkerId,
        mut transition: impl FnMut(&mut Worker) -> R + Send,
    ) -> Result<(Worker, R)> {
        let workers = &self.fleet.stores.workers;
        self.fleet.update(workers, &id.to_string(), self.writer(), |w| Ok(transition(w))).await
    }

    /// Returns the settings in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settings(&self) -> Result<Settings> {
        Ok(self.fleet.stores.settings.find(SETTINGS_KEY).await?.unwrap_or_default())
    }

    /// Returns all workers that match and are not forgotten, page by page.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all_workers(&self, query: Query) -> Result<Vec<Worker>> {
        let mut query = query.is("removed", "false");
        let mut all = Vec::new();
        loop {
            let page = self.fleet.stores.workers.list(&query).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Tells an ephemeral event; its loss is only logged.
    pub async fn tell(&self, change: &Change) {
        if let Err(err) = self.remotes.publisher.tell(&Event::ephemeral(change)).await {
            tracing::debug!(
                error = &err as &dyn std::error::Error,
                "an ephemeral event was not told"
            );
        }
    }
}

/// Returns where a worker's controller is reached, if its address is known.
pub(crate) fn controller(worker: &Worker) -> Option<Controller> {
    let endpoint = worker.status.endpoint.clone()?;
    Some(Controller { worker: worker.id, endpoint })
}
