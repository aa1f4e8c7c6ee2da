//! What one leader works with for the length of its term.
//!
//! Every part of it can be driven one step at a time; [`crate::start`] drives it by clock and bell.
//!
//! **Invariant:** a run that was handed to a lane is not handed out again before its attempt has ended.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ccm_app::{Fleet, FleetOps, Remotes};
use ccm_domain::schedule::{JOBS, JobSpec, Lane, job};
use ccm_domain::{Epoch, Run, RunId, Scope, Timestamp, WorkerId};
use ccm_telemetry::Tracer;
use tokio::sync::{Notify, OwnedMutexGuard, Semaphore, SemaphorePermit, mpsc, watch};

use crate::Instruments;
use crate::config::JobsSection;
use crate::transitions::Watched;

/// How many claimed runs a lane holds beside those under way; the others wait in the store.
const LANE_DEPTH: usize = 64;

/// How many runs a lane of regions carries out at once; within a region it is one at a time.
const REGION_RUNS: usize = 4;

/// What an engine is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Store, clock, bell.
    pub fleet: Fleet,
    /// AWS, controllers, ephemeral events.
    pub remotes: Remotes,
    /// The term.
    pub epoch: Epoch,
    /// Name of this process, for people.
    pub holder: String,
    /// First settings of schedules.
    pub jobs: JobsSection,
    /// Where things are counted.
    pub instruments: Instruments,
    /// Where they are traced.
    pub tracer: Tracer,
}

/// The working state of one leader.
#[derive(Debug)]
pub struct Engine {
    pub(crate) parts: Parts,
    ops: FleetOps,
    lanes: BTreeMap<&'static str, LaneEntry>,
    under_way: watch::Sender<BTreeSet<RunId>>,
    busy: Mutex<HashSet<WorkerId>>,
    watched: Mutex<BTreeMap<WorkerId, Watched>>,
    /// Rings when somebody was put on the watch list.
    pub(crate) watching: Notify,
    looking: Mutex<HashSet<Scope>>,
    turns: Mutex<HashMap<Scope, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug)]
struct LaneEntry {
    queue: mpsc::Sender<Claimed>,
    /// One for each worker that the job may look at at once, in whichever run.
    places: Semaphore,
    /// Until a runner takes it.
    end: Mutex<Option<mpsc::Receiver<Claimed>>>,
}

/// A run that waits for its turn in a lane.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) run: Run,
    pub(crate) job: &'static JobSpec,
    #[expect(dead_code, reason = "its drop says that the attempt has ended")]
    pub(crate) under_way: Arc<UnderWay>,
}

/// Takes a run off the list of those under way when its attempt has ended, however that was.
#[derive(Debug)]
pub(crate) struct UnderWay {
    id: RunId,
    list: watch::Sender<BTreeSet<RunId>>,
}

/// Keeps others away from something until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy<'a, T: Eq + Hash> {
    what: T,
    list: &'a Mutex<HashSet<T>>,
}

impl Engine {
    /// Returns an engine that has nothing under way.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let lanes = JOBS
            .iter()
            .map(|job| {
                let (queue, end) = mpsc::channel(LANE_DEPTH);
                let places = Semaphore::new(job.at_once as usize);
                (job.name, LaneEntry { queue, places, end: Mutex::new(Some(end)) })
            })
            .collect();
        let ops = FleetOps {
            fleet: parts.fleet.clone(),
            remotes: parts.remotes.clone(),
            epoch: parts.epoch,
        };
        Arc::new(Self {
            parts,
            ops,
            lanes,
            under_way: watch::Sender::default(),
            busy: Mutex::default(),
            watched: Mutex::default(),
            watching: Notify::new(),
            looking: Mutex::default(),
            turns: Mutex::default(),
        })
    }

    /// Makes sure that everything of older terms is fenced and repaired and that every job has its schedule.
    ///
    /// # Errors
    /// When the store fails, or another leader has taken over.
    pub async fn prepare(&self) -> ccm_app::Result<()> {
        self.bring_schedules().await?;
        self.recover().await?;
        let role = ccm_ports::LeaseRole::Scheduler;
        self.parts.fleet.announce_leader(role, self.parts.epoch, &self.parts.holder).await?;
        self.log_schedules().await
    }

    /// Waits until no run is under way.
    pub async fn idle(&self) {
        let mut list = self.under_way.subscribe();
        // The sender lives as long as `self`, so this ends with an empty list only.
        let _ = list.wait_for(BTreeSet::is_empty).await;
    }

    pub(crate) const fn ops(&self) -> &FleetOps {
        &self.ops
    }

    /// Returns the present moment of the fleet's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.fleet.now()
    }

    /// Returns how much of the machine's time passes until a moment of the fleet's clock.
    pub(crate) fn real_time_until(&self, moment: Timestamp) -> Duration {
        let speed = self.parts.fleet.clock.speed().max(f64::MIN_POSITIVE);
        let real = moment.since(self.now()).as_secs_f64() / speed;
        Duration::try_from_secs_f64(real).unwrap_or(Duration::MAX)
    }

    /// Gives a run to the lane of its job, unless it is there already or the lane is full.
    pub(crate) fn hand_over(&self, run: Run) -> bool {
        let (Some(job), Some(lane)) = (job(&run.job), self.lanes.get(run.job.as_str())) else {
            tracing::warn!(run.id = %run.id, "this version has no job {}", run.job);
            return false;
        };
        let Some(under_way) = self.enlist(&run.id) else { return false };
        let claimed = Claimed { run, job, under_way: Arc::new(under_way) };
        lane.queue.try_send(claimed).is_ok()
    }

    /// Takes the receiving end of a job's lane; a lane has one for ever.
    pub(crate) fn take_lane(&self, job: &JobSpec) -> Option<mpsc::Receiver<Claimed>> {
        lock(&self.lanes.get(job.name)?.end).take()
    }

    /// Waits for a place among the workers or regions that a job looks at at once, over all its runs.
    pub(crate) async fn place(&self, job: &JobSpec) -> Option<SemaphorePermit<'_>> {
        // Never closed, so none means that the job is not in the table: it is not held back then.
        self.lanes.get(job.name)?.places.acquire().await.ok()
    }

    pub(crate) fn is_under_way(&self, id: &RunId) -> bool {
        self.under_way.borrow().contains(id)
    }

    fn enlist(&self, id: &RunId) -> Option<UnderWay> {
        let new = self.under_way.send_if_modified(|list| list.insert(id.clone()));
        new.then(|| UnderWay { id: id.clone(), list: self.under_way.clone() })
    }

    /// Keeps other reconciliations of a worker away; none when there is one.
    pub(crate) fn occupy(&self, id: WorkerId) -> Option<Busy<'_, WorkerId>> {
        Busy::with(id, &self.busy)
    }

    pub(crate) fn is_occupied(&self, id: WorkerId) -> bool {
        lock(&self.busy).contains(&id)
    }

    /// Keeps other looks at a region's workers on their way away; none when there is one.
    pub(crate) fn look_in(&self, scope: &Scope) -> Option<Busy<'_, Scope>> {
        Busy::with(scope.clone(), &self.looking)
    }

    pub(crate) fn watch_list(&self) -> MutexGuard<'_, BTreeMap<WorkerId, Watched>> {
        lock(&self.watched)
    }

    /// Waits for the turn in a region: one import at a time, since two would find the same instances.
    pub(crate) fn turn_in(
        &self,
        scope: &Scope,
    ) -> impl Future<Output = OwnedMutexGuard<()>> + use<> {
        Arc::clone(lock(&self.turns).entry(scope.clone()).or_default()).lock_owned()
    }
}

/// Returns how many runs of a job are carried out at once.
pub(crate) const fn runs_at_once(job: &JobSpec) -> usize {
    match job.lane {
        Lane::Fleet => 1,
        // A job that sweeps all regions has one run at a time by its schedule; commands name one region.
        Lane::Region => REGION_RUNS,
        // A sweep over all workers, where there is one, and commands that are about one worker each; all of
        // them share the job's places.
        Lane::Workers => job.every_s.is_some() as usize + job.at_once as usize,
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.list.send_modify(|list| {
            list.remove(&self.id);
        });
    }
}

impl<'a, T: Clone + Eq + Hash> Busy<'a, T> {
    fn with(what: T, list: &'a Mutex<HashSet<T>>) -> Option<Self> {
        let new = lock(list).insert(what.clone());
        // Made only when the place was free: one that is dropped gives the place of its holder away.
        new.then(|| Self { what, list })
    }
}

impl<T: Eq + Hash> Drop for Busy<'_, T> {
    fn drop(&mut self) {
        lock(self.list).remove(&self.what);
    }
}

/// A panic while a list is held leaves the list whole, so it can be used on.
fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_taken_stays_its_holders() {
        let list = Mutex::new(HashSet::new());
        let held = Busy::with(1, &list);
        assert!(held.is_some());

        // The refused one must neither wait for the list nor free the place as it goes.
        assert!(Busy::with(1, &list).is_none());
        assert!(Busy::with(1, &list).is_none());
        drop(held);

        assert!(Busy::with(1, &list).is_some());
    }
}
