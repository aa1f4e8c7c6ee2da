//! Workers as people ask for them: find, list, create, change, remove.

mod wishes;

use ccm_domain::worker::{NewWorker, Spec};
use ccm_domain::{
    Account, Actor, DomainError, IdlePolicy, ImageQuery, InstanceId, InstanceType, InvalidId, Lab,
    OperationId, Permission, Region, Scope, Worker, WorkerId, WorkerState,
};
use ccm_ports::{Chime, Filter, Page, Query, StoreError, Writer};
use serde::{Deserialize, Deserializer, de};

pub use wishes::Asked;

use crate::{Expected, Fleet, FleetError, Result};

const NO_SUCH_WORKER: FleetError = FleetError::Store(StoreError::NotFound("worker"));

/// Says which worker is meant: by our id, or by that of its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerRef {
    /// Our id.
    Id(WorkerId),
    /// EC2's id.
    Instance(InstanceId),
}

impl std::str::FromStr for WorkerRef {
    type Err = InvalidId;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = s.parse() {
            return Ok(Self::Id(id));
        }
        s.parse().map(Self::Instance).map_err(|_| InvalidId {
            expected: "a worker's UUID or an instance id such as i-0abcd1234ef567890",
        })
    }
}

impl<'de> Deserialize<'de> for WorkerRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Which workers to list; what is empty does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerFilter {
    /// In one of these regions.
    pub regions: Vec<Region>,
    /// In one of these states.
    pub states: Vec<WorkerState>,
    /// Terminated ones too; asking for their state does so as well.
    pub include_terminated: bool,
    /// Text in the id, name or instance id.
    pub text: Option<String>,
}

/// A worker to be made; what is left out comes from the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerOrder {
    /// Name.
    pub name: String,
    /// Account.
    pub account: Account,
    /// Region.
    pub region: Region,
    /// Type.
    pub instance_type: Option<InstanceType>,
    /// Image.
    pub image: Option<ImageQuery>,
    /// Tags beside the fleet's default ones, which they override.
    pub tags: std::collections::BTreeMap<String, String>,
    /// CML version expected.
    pub cml_version: Option<String>,
    /// Address of the controller when it is not the fleet's template.
    pub endpoint: Option<String>,
    /// Idle policy of its own.
    pub idle: IdlePolicy,
}

/// Changes of what needs no operation; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerPatch {
    /// Name.
    pub name: Option<String>,
    /// Address of the controller; the inner `None` goes back to the fleet's template.
    pub endpoint: Option<Option<String>>,
    /// Type to launch.
    pub instance_type: Option<InstanceType>,
    /// CML version expected.
    pub cml_version: Option<Option<String>>,
    /// Detailed monitoring.
    pub detailed_monitoring: Option<bool>,
}

impl Fleet {
    /// Lists workers that are not forgotten; `page` says order, size and start.
    ///
    /// # Errors
    /// When the actor may not read, or the store fails.
    pub async fn list_workers(
        &self,
        actor: &Actor,
        filter: &WorkerFilter,
        page: Query,
    ) -> Result<Page<Worker>> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        let mut query = page.is("removed", "false");
        if !filter.regions.is_empty() {
            let regions = filter.regions.iter().map(ToString::to_string).collect();
            query = query.and(Filter::In("region", regions));
        }
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.name().to_owned()).collect();
            query = query.and(Filter::In("state", states));
        } else if !filter.include_terminated {
            let gone = vec![WorkerState::Terminated.name().to_owned()];
            query = query.and(Filter::NotIn("state", gone));
        }
        if let Some(text) = &filter.text {
            query = query.and(Filter::Contains("text", text.clone()));
        }
        Ok(self.stores.workers.list(&query).await?)
    }

    /// Returns a worker that is not forgotten.
    ///
    /// # Errors
    /// When the actor may not read, there is none, or the store fails.
    pub async fn find_worker(&self, actor: &Actor, which: &WorkerRef) -> Result<Worker> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        self.known(which).await
    }

    /// Makes a worker and the operation that launches it.
    ///
    /// Repeating it with the same operation id returns what the first call made.
    ///
    /// # Errors
    /// When the actor may not, or a field is out of its bounds.
    pub async fn create_worker(
        &self,
        actor: &Actor,
        order: WorkerOrder,
        op: OperationId,
    ) -> Result<Worker> {
        actor.must(Permission::CreateWorkers).map_err(DomainError::from)?;
        let made = Query::default().is("operation", op.to_string()).limit(1);
        if let Some(worker) = self.stores.workers.list(&made).await?.items.pop() {
            return Ok(worker);
        }
        let new = self.with_defaults(order).await?;
        new.check()?;
        let mut worker =
            Worker::create(self.new_worker_id(), new, op, actor.author(), self.clock.now());
        self.insert(&self.stores.workers, &mut worker, Writer::Intent).await?;
        self.bell.ring(Chime::Commands).await;
        Ok(worker)
    }

    /// Changes what needs no operation, all of it or nothing.
    ///
    /// # Errors
    /// When the actor may not, somebody else was first, or a field is out of its bounds.
    pub async fn change_worker(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        expected: &Expected,
        patch: &WorkerPatch,
    ) -> Result<Worker> {
        actor.must(Permission::EditWorkers).map_err(DomainError::from)?;
        let now = self.clock.now();
        let (worker, ()) = self
            .with_intent(which, expected, |worker| {
                if let Some(name) = &patch.name {
                    worker.rename(name, now)?;
                }
                if let Some(endpoint) = &patch.endpoint {
                    worker.set_endpoint(endpoint.clone(), now)?;
                }
                if let Some(instance_type) = &patch.instance_type {
                    worker.set_instance_type(instance_type, now)?;
                }
                if let Some(version) = &patch.cml_version {
                    worker.set_cml_version(version.clone(), now)?;
                }
                if let Some(on) = patch.detailed_monitoring {
                    worker.set_monitoring(on, now);
                }
                Ok(())
            })
            .await?;
        Ok(worker)
    }

    /// Forgets a worker and its labs; its instance is left as it is.
    ///
    /// # Errors
    /// When the actor may not, or an operation of the worker is under way.
    pub async fn remove_worker(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        expected: &Expected,
    ) -> Result<()> {
        actor.must(Permission::RemoveWorkers).map_err(DomainError::from)?;
        let now = self.clock.now();
        let (worker, ()) = self
            .with_intent(which, expected, |worker| {
                if worker.open_power().is_some() || worker.open_license().is_some() {
                    let detail = "an operation is under way, and nobody would see its end; \
                                  wait until it has ended";
                    return Err(DomainError::not_possible("operation_under_way", detail).into());
                }
                worker.remove(actor.author(), now);
                Ok(())
            })
            .await?;
        // What a crash leaves here goes when labs of forgotten workers are pruned.
        self.forget_labs(worker.id).await
    }

    /// Returns a worker that is not forgotten.
    pub(crate) async fn known(&self, which: &WorkerRef) -> Result<Worker> {
        let found = match which {
            WorkerRef::Id(id) => self.stores.workers.find(&id.to_string()).await?,
            WorkerRef::Instance(id) => {
                let query = Query::default().is("instance", id.as_str()).is("removed", "false");
                self.stores.workers.list(&query.limit(1)).await?.items.pop()
            }
        };
        found.filter(|worker| worker.removed_at.is_none()).ok_or(NO_SUCH_WORKER)
    }

    /// Applies an intent to a worker that is not forgotten and is at an expected revision.
    pub(crate) async fn with_intent<R: Send>(
        &self,
        which: &WorkerRef,
        expected: &Expected,
        mut intent: impl FnMut(&mut Worker) -> Result<R> + Send,
    ) -> Result<(Worker, R)> {
        let id = match which {
            WorkerRef::Id(id) => *id,
            WorkerRef::Instance(_) => self.known(which).await?.id,
        };
        let outcome = self
            .update(&self.stores.workers, &id.to_string(), Writer::Intent, |worker| {
                if worker.removed_at.is_some() {
                    return Err(NO_SUCH_WORKER);
                }
                expected.must_hold(worker.spec_rev)?;
                intent(worker)
            })
            .await?;
        // A hint only: the next sweep finds the worker even if this is lost.
        self.bell.ring(Chime::Commands).await;
        Ok(outcome)
    }

    async fn with_defaults(&self, order: WorkerOrder) -> Result<NewWorker> {
        let provisioning = self.settings().await?.spec.provisioning;
        let placement = provisioning.placement_in(&order.region);
        let mut tags = provisioning.default_tags;
        tags.extend(order.tags);
        let spec = Spec {
            instance_type: order.instance_type.or(provisioning.instance_type),
            image: order.image.or(placement.image).unwrap_or_default(),
            tags,
            endpoint: order.endpoint,
            cml_version: order.cml_version,
            idle: order.idle,
            ..Spec::default()
        };
        let scope = Scope { account: order.account, region: order.region };
        Ok(NewWorker { name: order.name, scope, spec })
    }

    async fn forget_labs(&self, worker: WorkerId) -> Result<()> {
        let now = self.clock.now();
        let mut query = Query::default().is("worker", worker.to_string()).is("removed", "false");
        loop {
            let page = self.stores.labs.list(&query).await?;
            for lab in &page.items {
                let key = ccm_ports::lab_key(lab.worker, &lab.id);
                let vanish = |lab: &mut Lab| Ok(lab.vanish(now));
                self.update(&self.stores.labs, &key, Writer::Intent, vanish).await?;
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }
}
