//! Wishes about one worker: power, idle deadline and policy, tags, monitoring.

use std::collections::BTreeMap;
use std::time::Duration;

use ccm_domain::worker::Wish;
use ccm_domain::{
    Actor, DomainError, IdlePolicy, IdleVerdict, OperationId, Permission, Timestamp, Worker,
    WorkerId,
};
use ccm_ports::Sample;

use super::WorkerRef;
use crate::{Expected, Fleet, Result};

/// A wish and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The worker as it is since.
    pub worker: Worker,
    /// What became of the wish.
    pub wish: Wish,
}

impl From<(Worker, Wish)> for Asked {
    fn from((worker, wish): (Worker, Wish)) -> Self {
        Self { worker, wish }
    }
}

impl Fleet {
    /// Records that somebody wants the worker to run. Does not wait for EC2.
    ///
    /// # Errors
    /// When the actor may not, or the instance is gone or was never made.
    pub async fn request_start(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        op: OperationId,
    ) -> Result<Asked> {
        actor.must(Permission::ControlPower).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| Ok(w.request_start(op, actor.author(), now)?);
        Ok(self.with_intent(which, &Expected::Any, intent).await?.into())
    }

    /// Records that somebody wants the worker to stop, its disks kept. Does not wait for EC2.
    ///
    /// # Errors
    /// When the actor may not, or the instance is gone or was never made.
    pub async fn request_stop(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        op: OperationId,
    ) -> Result<Asked> {
        actor.must(Permission::ControlPower).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| Ok(w.request_stop(op, actor.author(), now)?);
        Ok(self.with_intent(which, &Expected::Any, intent).await?.into())
    }

    /// Records that somebody wants the instance terminated, the licence given back first.
    ///
    /// # Errors
    /// When the actor may not.
    pub async fn request_terminate(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        force: bool,
        op: OperationId,
    ) -> Result<Asked> {
        actor.must(Permission::TerminateWorkers).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| Ok(w.request_terminate(op, force, actor.author(), now)?);
        Ok(self.with_intent(which, &Expected::Any, intent).await?.into())
    }

    /// Moves the idle deadline to at least `span` from now.
    ///
    /// # Errors
    /// When the actor may not, or `span` is out of its bounds.
    pub async fn extend_worker(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        span: Duration,
    ) -> Result<Worker> {
        actor.must(Permission::ExtendIdle).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| Ok(w.extend(span, now)?);
        Ok(self.with_intent(which, &Expected::Any, intent).await?.0)
    }

    /// Sets the worker's own idle policy.
    ///
    /// # Errors
    /// When the actor may not, somebody else was first, or a field is out of its bounds.
    pub async fn set_idle_policy(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        expected: &Expected,
        policy: &IdlePolicy,
    ) -> Result<Worker> {
        actor.must(Permission::EditWorkers).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| Ok(w.set_idle_policy(policy.clone(), now)?);
        Ok(self.with_intent(which, expected, intent).await?.0)
    }

    /// Sets the tags that are wanted on the instance.
    ///
    /// # Errors
    /// When the actor may not, somebody else was first, or a tag is out of its bounds.
    pub async fn set_tags(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        expected: &Expected,
        tags: &BTreeMap<String, String>,
    ) -> Result<Worker> {
        actor.must(Permission::EditWorkers).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| Ok(w.set_tags(tags.clone(), now)?);
        Ok(self.with_intent(which, expected, intent).await?.0)
    }

    /// Asks for detailed monitoring to be on or off.
    ///
    /// # Errors
    /// When the actor may not.
    pub async fn set_monitoring(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        on: bool,
    ) -> Result<Worker> {
        actor.must(Permission::EditWorkers).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| {
            w.set_monitoring(on, now);
            Ok(())
        };
        Ok(self.with_intent(which, &Expected::Any, intent).await?.0)
    }

    /// Decides about idleness with what is known now, without acting on it.
    ///
    /// # Errors
    /// When the actor may not read, or there is no such worker.
    pub async fn explain_idle(
        &self,
        actor: &Actor,
        which: &WorkerRef,
    ) -> Result<(Worker, IdleVerdict)> {
        let worker = self.find_worker(actor, which).await?;
        let settings = self.settings().await?.spec.idle;
        let verdict = worker.judge_idle(&worker.status.activity, &settings, self.clock.now());
        Ok((worker, verdict))
    }

    /// Returns up to `limit` readings of load with `from <= at < to`, oldest first.
    ///
    /// # Errors
    /// When the store fails. The caller has found the worker, and so may read.
    pub async fn load_history(
        &self,
        worker: WorkerId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Sample>> {
        Ok(self.stores.samples.range(worker, from, to, limit).await?)
    }
}
