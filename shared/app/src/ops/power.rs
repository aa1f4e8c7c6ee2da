//! Launch, start, stop, tags and monitoring of one instance.

use std::collections::BTreeMap;
use std::time::Duration;

use ccm_domain::settings::Settings;
use ccm_domain::worker::Operation;
use ccm_domain::{ImageId, InstanceType, Worker};
use ccm_ports::{LaunchOrder, RemoteError, StoreError};

use super::FleetOps;
use super::reconcile::Stepped;
use crate::{FleetError, Result};

impl FleetOps {
    /// Launches the instance under the operation's id; the same id never launches twice.
    pub(super) async fn launch(&self, worker: &Worker) -> Result<Stepped> {
        let Some(operation) = worker.open_power().cloned() else { return Ok(Stepped::Wait) };
        let launched = match self.fixed_order(worker, &operation).await? {
            Ok(order) => self.remotes.compute.launch(&worker.scope, &order).await,
            Err(err) => Err(err),
        };
        let now = self.fleet.now();
        let endpoint =
            launched.as_ref().ok().and_then(|i| self.remotes.endpoint.expand(&worker.scope, i));
        let written = self
            .with_worker(worker.id, |w| match &launched {
                Ok(instance) => {
                    w.status.order = None;
                    w.observe_instance(instance, endpoint.clone(), now);
                    w.step_power(|o| o.reach("launch", now));
                }
                Err(err) => {
                    if !may_have_happened(err) {
                        w.status.order = None;
                    }
                    w.step_power(|o| note_failure(o, err, now));
                    if w.open_power().is_none() {
                        w.observe_failed_launch(&err.to_string(), now);
                    }
                }
            })
            .await;
        match written {
            Ok(_) => Ok(Stepped::Wait),
            // Somebody imported the instance between its launch and this write.
            Err(FleetError::Store(StoreError::Taken(_))) => {
                let reason = "the instance was taken into the fleet as another worker meanwhile";
                self.with_worker(worker.id, |w| {
                    w.step_power(|o| {
                        o.fail(reason, Some("remove this entry; the other one stays"), now)
                    });
                    w.observe_failed_launch(reason, now);
                })
                .await?;
                Ok(Stepped::Wait)
            }
            Err(err) => Err(err),
        }
    }

    /// Returns the order of this operation, the same at each attempt.
    ///
    /// It is written down before EC2 hears of it: when the answer is lost, somebody may change tags or settings
    /// before the next attempt, and EC2 refuses a token that comes with another order.
    async fn fixed_order(
        &self,
        worker: &Worker,
        operation: &Operation,
    ) -> Result<std::result::Result<LaunchOrder, RemoteError>> {
        let token = operation.id.to_string();
        let is_fixed =
            |worker: &Worker| worker.status.order.clone().filter(|order| order.token == token);
        if let Some(order) = is_fixed(worker) {
            return Ok(Ok(order));
        }
        let order = match self.order(worker, operation, &self.settings().await?).await {
            Ok(order) => order,
            Err(err) => return Ok(Err(err)),
        };
        let fix = |worker: &mut Worker| {
            let order = is_fixed(worker).unwrap_or_else(|| order.clone());
            worker.status.order = Some(order.clone());
            order
        };
        let (_, order) = self.with_worker(worker.id, fix).await?;
        Ok(Ok(order))
    }

    async fn order(
        &self,
        worker: &Worker,
        operation: &Operation,
        settings: &Settings,
    ) -> Result<LaunchOrder, RemoteError> {
        let provisioning = &settings.spec.provisioning;
        let place = provisioning.placement_in(&worker.scope.region);
        let image = self.image_of(worker).await?;
        let mut tags: BTreeMap<String, String> = provisioning.default_tags.clone();
        tags.extend(worker.spec.tags.clone());
        tags.insert("Name".to_owned(), worker.name.clone());
        let instance_type: InstanceType = worker
            .spec
            .instance_type
            .clone()
            .or_else(|| provisioning.instance_type.clone())
            .ok_or_else(|| RemoteError::Invalid("no instance type is given or set".to_owned()))?;
        Ok(LaunchOrder {
            token: operation.id.to_string(),
            image,
            instance_type,
            tags,
            subnet: place.subnet.clone(),
            security_groups: place.security_groups.clone(),
            key_name: place.key_name.clone(),
        })
    }

    async fn image_of(&self, worker: &Worker) -> Result<ImageId, RemoteError> {
        if let (Some(id), None) = (&worker.spec.image.id, &worker.spec.image.name) {
            return Ok(id.clone());
        }
        let found = self.remotes.compute.find_images(&worker.scope, &worker.spec.image).await?;
        found.into_iter().next().map(|image| image.id).ok_or_else(|| {
            let pattern = worker.spec.image.name.as_deref().unwrap_or_default();
            RemoteError::NotFound(format!("no image named {pattern} in {}", worker.scope.region))
        })
    }

    /// Starts the instance.
    pub(super) async fn start(&self, worker: &Worker) -> Result<Stepped> {
        let Some(id) = worker.instance_id() else { return Ok(Stepped::Wait) };
        let done = self.remotes.compute.start(&worker.scope, id).await;
        self.power_asked(worker, "start", done).await
    }

    /// Stops the instance.
    pub(super) async fn stop(&self, worker: &Worker) -> Result<Stepped> {
        let Some(id) = worker.instance_id() else { return Ok(Stepped::Wait) };
        let done = self.remotes.compute.stop(&worker.scope, id).await;
        self.power_asked(worker, "stop", done).await
    }

    pub(super) async fn power_asked(
        &self,
        worker: &Worker,
        step: &str,
        done: Result<(), RemoteError>,
    ) -> Result<Stepped> {
        let now = self.fleet.now();
        let (after, ()) = self
            .with_worker(worker.id, |w| {
                w.step_power(|o| match &done {
                    Ok(()) => o.reach(step, now),
                    Err(err) => note_failure(o, err, now),
                });
            })
            .await?;
        if done.is_ok() {
            self.look_at(&after).await.or_else(|err| self.remote_or(err, after))?;
        }
        Ok(Stepped::Wait)
    }

    /// Sets and removes tags as wanted, then looks at what came of it.
    pub(super) async fn retag(&self, worker: &Worker) -> Result<Stepped> {
        let Some(id) = worker.instance_id() else { return Ok(Stepped::Wait) };
        let seen = &worker.status.tags;
        let set: BTreeMap<String, String> = worker
            .spec
            .tags
            .iter()
            .filter(|(key, value)| seen.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let remove: Vec<String> = worker
            .spec
            .tags_removed
            .iter()
            .filter(|key| seen.contains_key(*key))
            .cloned()
            .collect();
        let done = self.remotes.compute.tag(&worker.scope, id, &set, &remove).await;
        self.upkeep_asked(worker, "tags", done).await
    }

    /// Turns detailed monitoring on or off, then looks at what came of it.
    pub(super) async fn monitor(&self, worker: &Worker, on: bool) -> Result<Stepped> {
        let Some(id) = worker.instance_id() else { return Ok(Stepped::Wait) };
        let done = self.remotes.compute.monitor(&worker.scope, id, on).await;
        self.upkeep_asked(worker, "monitoring", done).await
    }

    async fn upkeep_asked(
        &self,
        worker: &Worker,
        what: &str,
        done: Result<(), RemoteError>,
    ) -> Result<Stepped> {
        match done {
            Ok(()) => {
                self.look_at(worker).await.or_else(|err| self.remote_or(err, worker.clone()))?;
            }
            Err(err) => {
                tracing::warn!(worker.id = %worker.id, error = %err, "{what} of worker {} not set", worker.id);
            }
        }
        Ok(Stepped::Wait)
    }

    /// Ends an operation that took too long or cannot succeed any more.
    pub(super) async fn give_up(&self, worker: &Worker) -> Result<Stepped> {
        let now = self.fleet.now();
        self.with_worker(worker.id, |w| {
            let stuck = w.status.stages.iter().find_map(|s| s.reason.clone());
            let reason = stuck.unwrap_or_else(|| {
                format!("it did not come to its end in time; the worker is {}", w.state().name())
            });
            w.step_power(|o| {
                o.fail(&reason, Some("look at the stages of the worker, then ask again"), now)
            });
        })
        .await?;
        Ok(Stepped::Again)
    }
}

/// Notes a refusal in the operation: planned again where that helps, failed with a next step where not.
/// Whether a launch that ended so may have taken place all the same: its answer was lost, or AWS's own client lost
/// one and was refused when it tried again.
const fn may_have_happened(err: &RemoteError) -> bool {
    matches!(
        err,
        RemoteError::Unavailable(_) | RemoteError::Unexpected(_) | RemoteError::Throttled(_)
    )
}

pub(super) fn note_failure(
    operation: &mut Operation,
    err: &RemoteError,
    now: ccm_domain::Timestamp,
) {
    let reason = err.to_string();
    if let RemoteError::Throttled(Some(after)) = err {
        operation.wait_until(now.plus((*after).max(Duration::from_secs(1))), &reason);
    } else if err.is_transient() {
        operation.retry_later(&reason, now);
    } else {
        operation.fail(&reason, Some(hint_for(err)), now);
    }
}

/// What a person can do about a refusal that does not pass by itself.
pub(super) const fn hint_for(err: &RemoteError) -> &'static str {
    match err {
        RemoteError::Denied(_) => {
            "check the credentials and the permissions of the scheduler's role, then ask again"
        }
        RemoteError::Quota(_) => "ask AWS for a higher quota, or use another type or region",
        RemoteError::Capacity(_) => "use another type, zone or region, or try later",
        RemoteError::Invalid(_) => "check type, image, subnet and security groups in the settings",
        RemoteError::NotFound(_) => "check that the image or instance exists in this region",
        RemoteError::Conflict(_) => "wait until the instance has settled, then ask again",
        RemoteError::Tls(_) => "give the controller's CA, or pin its certificate",
        RemoteError::Unavailable(_) | RemoteError::Throttled(_) | RemoteError::Unexpected(_) => {
            "ask again when the remote end is well"
        }
    }
}
