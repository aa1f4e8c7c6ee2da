//! A day in which nobody but the system itself polls: every idle worker is paused in time, no other ever.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use ccm_app::{Fleet, WorkerRef};
use ccm_domain::worker::{Operation, OperationKind};
use ccm_domain::{ActorKind, InstanceId, OperationId, Timestamp, Worker, WorkerState};
use ccm_testkit::fleet::FleetOptions;

use crate::world::{MINUTE, SECOND, World, jobs, person};

const HOUR: Duration = Duration::from_secs(3_600);

/// The default policy, and how often `detect_activity` looks.
const TIMEOUT: Duration = HOUR;
const INTERVAL: Duration = Duration::from_secs(600);

/// Somebody resumes all paused workers this often, so that a worker has several ends in a day.
const RESUMES: Duration = Duration::from_secs(5 * 3_600);

/// What costs a test much and idle detection nothing happens less often than usual; telemetry is read as
/// always, and controllers are logged in to all day.
const JOBS: &str = r#"{
    "import_instances": { "enabled": true },
    "observe_instances": { "every": "2m" },
    "collect_measurements": { "every": "15m" },
    "refresh_labs": { "every": "15m" },
    "reconcile_workers": { "every": "5m" }
}"#;

/// What the day came to, by the truth that the model knows and the product does not.
#[derive(Debug, Default)]
struct Tally {
    judged: HashSet<OperationId>,
    pauses: usize,
    too_early: Vec<String>,
    too_late: Vec<String>,
}

impl Tally {
    /// Judges every stop that the policy asked for since the last look.
    async fn look(&mut self, world: &World, uses: &mut BTreeMap<InstanceId, Vec<Timestamp>>) {
        let now = world.now();
        for worker in world.workers().await {
            let Some(instance) = worker.instance_id().cloned() else { continue };
            let seen = uses.entry(instance.clone()).or_default();
            seen.extend(world.sim.hosts().last_use(&instance));
            for stop in worker.operations.iter().filter(|o| by_policy(o)) {
                if self.judged.insert(stop.id) {
                    self.judge(&worker, stop, seen);
                }
            }
            let due = deadline(&worker, seen, now);
            let left_running = worker.state() == WorkerState::Running
                && worker.open_power().is_none()
                && now.since(due) > INTERVAL + MINUTE;
            if left_running && worker.is_reachable() {
                self.too_late
                    .push(format!("{} runs at {now}, its deadline was {due}", worker.name));
            }
        }
    }

    fn judge(&mut self, worker: &Worker, stop: &Operation, uses: &[Timestamp]) {
        self.pauses += 1;
        let due = deadline(worker, uses, stop.started_at);
        if stop.started_at < due {
            let text = format!("{} at {}, its deadline is {due}", worker.name, stop.started_at);
            self.too_early.push(text);
        } else if stop.started_at.since(due) > INTERVAL + MINUTE {
            let text = format!("{} at {}, its deadline was {due}", worker.name, stop.started_at);
            self.too_late.push(text);
        }
    }
}

fn by_policy(operation: &Operation) -> bool {
    operation.kind == OperationKind::Stop && operation.by.kind == ActorKind::Policy
}

/// The deadline by the truth: what people really did, not what telemetry told.
fn deadline(worker: &Worker, uses: &[Timestamp], at: Timestamp) -> Timestamp {
    let used = uses.iter().copied().filter(|used| *used <= at).max();
    let resumed = worker.status.power.resumed.as_ref().map(|change| change.at).filter(|r| *r <= at);
    let reference = [used, resumed, Some(worker.created_at)].into_iter().flatten().max();
    reference.unwrap_or(worker.created_at).plus(TIMEOUT)
}

async fn resume_all(world: &World, fleet: &Fleet) {
    for worker in world.workers().await {
        if worker.state() == WorkerState::Stopped && worker.open_power().is_none() {
            let (which, id) = (WorkerRef::Id(worker.id), fleet.new_operation_id());
            fleet.request_start(&person(), &which, id).await.unwrap();
        }
    }
}

async fn live_through(span: Duration, options: &FleetOptions) -> (World, Tally) {
    let world = World::of(options);
    world.import_everything().await;
    let leader = world.leader_with(1, jobs(JOBS)).await;
    leader.settle().await;
    leader.engine.follow(true).await.unwrap();
    let (mut tally, mut uses) = (Tally::default(), BTreeMap::new());
    let (start, mut resumed) = (world.now(), world.now());
    while world.now().since(start) < span {
        leader.live(&world, 5 * MINUTE).await;
        tally.look(&world, &mut uses).await;
        if world.now().since(resumed) >= RESUMES {
            resumed = world.now();
            resume_all(&world, &world.fleet).await;
            leader.engine.follow(true).await.unwrap();
        }
    }
    (world, tally)
}

#[tokio::test]
async fn every_idle_worker_is_paused_within_one_interval_of_its_deadline_and_no_active_one_ever() {
    let options = FleetOptions { workers: 12, seed: 5, mishaps: false, people: true };

    let (world, tally) = live_through(24 * HOUR, &options).await;

    assert!(tally.too_early.is_empty(), "{:#?}", tally.too_early);
    assert!(tally.too_late.is_empty(), "{:#?}", tally.too_late);
    assert!(tally.pauses >= 24, "{} pauses only", tally.pauses);
    let (auto, used): (Vec<_>, Vec<_>) = world
        .workers()
        .await
        .iter()
        .map(|w| (w.status.power.auto_pauses, w.status.activity.last_at.is_some()))
        .unzip();
    assert_eq!(auto.iter().sum::<u64>(), tally.pauses as u64);
    assert!(used.iter().any(|used| *used) && used.iter().any(|used| !*used), "{used:?}");
    world.assert_runs_are_well().await;
    assert_eq!(tally.judged.len(), tally.pauses);
    assert!(
        world.now().since(world.schedule("detect_activity").await.last_success_at.unwrap())
            < INTERVAL + 30 * SECOND
    );
}

#[tokio::test]
async fn with_controllers_that_come_and_go_still_no_active_worker_is_ever_paused() {
    let options = FleetOptions { workers: 12, seed: 6, mishaps: true, people: true };

    let (_world, tally) = live_through(8 * HOUR, &options).await;

    assert!(tally.too_early.is_empty(), "{:#?}", tally.too_early);
    assert!(tally.pauses >= 8, "{} pauses only", tally.pauses);
}
