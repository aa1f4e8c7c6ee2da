//! Carries out next steps until a worker rests or waits for the world.

use std::collections::HashMap;

use ccm_domain::worker::{ControllerAnswer, Next, decide};
use ccm_domain::{Instance, InstanceId, Scope, Timestamp, Worker, WorkerId};
use ccm_ports::{Query, RemoteError};
use futures_util::{StreamExt as _, stream};

use super::{FleetOps, controller};
use crate::Result;

/// More steps than any operation has; a worker that wants more in one go waits for the next sweep.
const MOST_STEPS: usize = 12;

/// How many workers of one look are written at once; the store batches them.
const WRITES_AT_ONCE: usize = 16;

/// How one worker's reconciliation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// Want and seen agree.
    Rests,
    /// The next try is planned for this moment.
    Planned(Timestamp),
    /// The world is at work, on this since that moment; look again soon.
    Waits(Timestamp),
}

/// Whether a worker's instance was looked at for this reconciliation already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It was, together with others; see [`FleetOps::look_ahead`].
    Fresh,
    /// It was not; the reconciliation looks where it needs to.
    Old,
}

/// What one step came to.
pub(super) enum Stepped {
    /// Decide again at once.
    Again,
    /// Nothing more to do before the world has moved.
    Wait,
}

impl FleetOps {
    /// Returns the workers whose want and seen may differ, open operations first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unsettled(&self) -> Result<Vec<Worker>> {
        let now = self.fleet.now();
        let mut workers = self.all_workers(Query::default()).await?;
        workers.retain(|w| decide(w, now) != Next::Rest);
        workers.sort_by_key(|w| w.open_power().is_none() && w.open_license().is_none());
        Ok(workers)
    }

    /// Looks at the instances of those workers of one scope that are on their way, in one call.
    ///
    /// # Errors
    /// When the store fails; a region that does not answer is left to the next look.
    pub async fn look_ahead(&self, scope: &Scope, workers: &[Worker]) -> Result<Sight> {
        let now = self.fleet.now();
        let on_their_way: Vec<&Worker> =
            workers.iter().filter(|w| w.scope == *scope && needs_a_look(w, now)).collect();
        let ids: Vec<InstanceId> =
            on_their_way.iter().filter_map(|w| w.instance_id().cloned()).collect();
        if ids.is_empty() {
            return Ok(Sight::Fresh);
        }
        let seen = match self.remotes.compute.look(scope, &ids).await {
            Ok(seen) => seen,
            Err(err) => return self.remote_or(err.into(), Sight::Fresh),
        };
        let seen: HashMap<&InstanceId, &Instance> = seen.iter().map(|i| (&i.id, i)).collect();
        let find = |w: &Worker| w.instance_id().and_then(|id| seen.get(id)).copied();
        let writes: Vec<_> =
            on_their_way.iter().map(|worker| self.observe_one(worker, find(worker))).collect();
        let mut written = stream::iter(writes).buffer_unordered(WRITES_AT_ONCE);
        while let Some(one) = written.next().await {
            one?;
        }
        Ok(Sight::Fresh)
    }

    /// Moves one worker as far as it goes now.
    ///
    /// # Errors
    /// When the store fails, or this leader was deposed. What AWS or CML refuse becomes part of the worker.
    pub async fn reconcile(&self, id: WorkerId, sight: Sight) -> Result<Reconciled> {
        for _ in 0..MOST_STEPS {
            let worker = self.fleet.stores.workers.get(&id.to_string()).await?;
            let now = self.fleet.now();
            let next = decide(&worker, now);
            if next == Next::Rest {
                return Ok(planned(&worker).map_or(Reconciled::Rests, Reconciled::Planned));
            }
            tracing::debug!(worker.id = %id, worker.next = ?next, "stepping worker {id}");
            match self.step(&worker, next, sight).await? {
                Stepped::Again => {}
                Stepped::Wait => return self.waiting(id).await,
            }
        }
        self.waiting(id).await
    }

    /// Says how a worker waits after a step that changed it.
    async fn waiting(&self, id: WorkerId) -> Result<Reconciled> {
        let worker = self.fleet.stores.workers.get(&id.to_string()).await?;
        if decide(&worker, self.fleet.now()) != Next::Rest {
            return Ok(Reconciled::Waits(moved_at(&worker)));
        }
        Ok(planned(&worker).map_or(Reconciled::Rests, Reconciled::Planned))
    }

    async fn step(&self, worker: &Worker, next: Next, sight: Sight) -> Result<Stepped> {
        match next {
            Next::Rest => Ok(Stepped::Wait),
            Next::Launch => self.launch(worker).await,
            Next::Start => self.start(worker).await,
            Next::Stop => self.stop(worker).await,
            Next::StopLabs => self.stop_labs(worker).await,
            Next::SaveLabs => self.save_labs(worker).await,
            Next::ReleaseLicense => self.release_license(worker).await,
            Next::Terminate => self.terminate(worker).await,
            Next::Tag => self.retag(worker).await,
            Next::Monitor(on) => self.monitor(worker, on).await,
            Next::Look => self.look_once(worker, sight).await,
            Next::Probe => self.probe(worker, sight).await,
            Next::Register => self.register(worker).await,
            Next::Deregister => self.deregister(worker).await,
            Next::ConfirmLicense => self.confirm_license(worker).await,
            Next::GiveUp => self.give_up(worker).await,
            Next::GiveUpLicense => self.give_up_license(worker).await,
        }
    }

    async fn look_once(&self, worker: &Worker, sight: Sight) -> Result<Stepped> {
        if sight == Sight::Fresh {
            return Ok(Stepped::Wait);
        }
        match self.look_at(worker).await {
            Ok(seen) if seen.state() != worker.state() => Ok(Stepped::Again),
            Ok(_) => Ok(Stepped::Wait),
            Err(err) => self.remote_or(err, Stepped::Wait),
        }
    }

    /// Asks the controller who it is and, once it serves, for all that a page about it shows.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn probe(&self, worker: &Worker, sight: Sight) -> Result<Stepped> {
        let seen = if sight == Sight::Old && needs_a_look(worker, self.fleet.now()) {
            self.look_at(worker).await.or_else(|err| self.remote_or(err, worker.clone()))?
        } else {
            worker.clone()
        };
        let Some(at) = controller(&seen) else { return Ok(Stepped::Wait) };
        let answer = answer_of(self.remotes.cml.facts(&at).await);
        let was_serving = worker.is_reachable();
        let now = self.fleet.now();
        let (after, ()) =
            self.with_worker(worker.id, |w| w.observe_controller(&answer, now)).await?;
        if after.is_reachable() && !was_serving {
            self.first_sight(&after).await?;
        }
        Ok(Stepped::Wait)
    }

    async fn first_sight(&self, worker: &Worker) -> Result<()> {
        let Some(at) = controller(worker) else { return Ok(()) };
        let (license, load) =
            tokio::join!(self.remotes.cml.license(&at), self.remotes.cml.load(&at));
        let now = self.fleet.now();
        self.with_worker(worker.id, |w| {
            if let Ok(license) = &license {
                w.observe_license(license, now);
            }
            if let Ok(load) = &load {
                w.observe_load(load, now);
            }
        })
        .await?;
        Ok(())
    }

    /// Lets an error of the world pass with a log line; a failure of the store ends the run.
    pub(super) fn remote_or<T>(&self, err: crate::FleetError, otherwise: T) -> Result<T> {
        match err {
            crate::FleetError::Remote(remote) => {
                tracing::debug!(leader.epoch = self.epoch.0, error = %remote, "the world did not answer");
                Ok(otherwise)
            }
            other @ (crate::FleetError::Domain(_)
            | crate::FleetError::Store(_)
            | crate::FleetError::Contended(_)) => Err(other),
        }
    }
}

/// Whether the next step needs to know how the instance is now.
///
/// A controller that merely stopped answering does not: the sweep tells soon enough.
fn needs_a_look(worker: &Worker, now: Timestamp) -> bool {
    let next = decide(worker, now);
    let on_its_way = worker.open_power().is_some() || worker.status.endpoint.is_none();
    next == Next::Look || (next == Next::Probe && on_its_way)
}

/// Returns when the next try of an open operation is planned.
fn planned(worker: &Worker) -> Option<Timestamp> {
    worker.operations.iter().filter(|o| o.is_open()).filter_map(|o| o.not_before).min()
}

/// Returns when something about the worker last moved: what moved a moment ago is looked at sooner.
fn moved_at(worker: &Worker) -> Timestamp {
    let open = worker.operations.iter().filter(|o| o.is_open());
    let steps = open.flat_map(|o| o.steps.iter().filter_map(|step| step.at));
    steps.fold(worker.status.state_since.max(worker.status.service_since), Timestamp::max)
}

/// Says what an answer of a controller means for its service.
pub(super) fn answer_of(
    answer: Result<ccm_domain::cml::ControllerFacts, RemoteError>,
) -> ControllerAnswer {
    match answer {
        Ok(facts) => ControllerAnswer::Facts(facts),
        Err(err @ (RemoteError::Unavailable(_) | RemoteError::Throttled(_))) => {
            ControllerAnswer::Silent(err.to_string())
        }
        Err(err) => ControllerAnswer::Wrong(err.to_string()),
    }
}
