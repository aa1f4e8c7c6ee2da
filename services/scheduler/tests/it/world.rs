//! A store, a bus, a modelled fleet and a clock that the test moves; leaders on top.

use std::sync::Arc;
use std::time::Duration;

use ccm_app::{EndpointTemplate, Fleet, Remotes};
use ccm_bus::LocalBus;
use ccm_domain::settings::ImportRule;
use ccm_domain::{
    Actor, ActorKind, Author, Command, Epoch, InstanceId, OperationId, Role, Run, RunState,
    Schedule, Settings, SettingsSpec, Timestamp, Worker, WorkerId,
};
use ccm_events::{Change, Kind};
use ccm_ports::{Clock as _, Controller, Query, SETTINGS_KEY, Writer};
use ccm_scheduler::config::JobsSection;
use ccm_scheduler::{Engine, Instruments, Parts, Stop};
use ccm_store::Embedded;
use ccm_telemetry::{Metrics, Traces};
use ccm_testkit::clock::MovedClock;
use ccm_testkit::fleet::{ENDPOINT, FleetOptions, SimFleet};
use tokio::task::JoinSet;

use crate::unruly::Unruly;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Everything outside of the scheduler.
pub(crate) struct World {
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) sim: SimFleet,
    pub(crate) fleet: Fleet,
    pub(crate) remotes: Remotes,
    pub(crate) bus: Arc<LocalBus>,
    pub(crate) metrics: Metrics,
    _store: Embedded,
}

/// One leader, driven step by step.
pub(crate) struct Leader {
    pub(crate) engine: Arc<Engine>,
    pub(crate) stop: Stop,
    pub(crate) work: JoinSet<anyhow::Result<()>>,
}

impl World {
    /// A quiet fleet: nobody uses it, nothing goes wrong by itself.
    pub(crate) fn quiet(workers: usize) -> Self {
        Self::of(&FleetOptions { workers, seed: 1, mishaps: false, people: false })
    }

    pub(crate) fn of(options: &FleetOptions) -> Self {
        let clock = Arc::new(MovedClock::at(Timestamp::from_millis(1_780_142_400_000)));
        let sim = SimFleet::build(Arc::clone(&clock) as _, options);
        let store = Embedded::memory().unwrap();
        let bus = Arc::new(LocalBus::default());
        let fleet = Fleet {
            stores: store.stores(),
            clock: Arc::clone(&clock) as _,
            bell: Arc::clone(&bus) as _,
        };
        let remotes = Remotes {
            compute: sim.compute(),
            measure: sim.measure(),
            cml: sim.cml(),
            publisher: Arc::clone(&bus) as _,
            scopes: sim.scopes(),
            endpoint: EndpointTemplate(ENDPOINT.to_owned()),
        };
        let metrics = Metrics::new("test").unwrap();
        Self { clock, sim, fleet, remotes, bus, metrics, _store: store }
    }

    /// Puts EC2 with moods in front of the modelled one.
    pub(crate) fn unruly(mut self) -> (Self, Arc<Unruly>) {
        let unruly = Unruly::new(self.sim.compute());
        self.remotes.compute = Arc::clone(&unruly) as _;
        (self, unruly)
    }

    /// Imports everything and lets the fleet come to rest under a first leader, which then leaves.
    pub(crate) async fn furnished(workers: usize) -> Self {
        let world = Self::quiet(workers);
        world.import_everything().await;
        let leader = world.leader(1).await;
        leader.settle().await;
        leader.engine.follow(true).await.unwrap();
        leader.live(&world, 6 * MINUTE).await;
        leader.leave().await;
        world
    }

    pub(crate) async fn run(&self, id: &str) -> Run {
        self.fleet.stores.runs.get(id).await.unwrap()
    }

    pub(crate) async fn command(&self, id: OperationId) -> Command {
        self.fleet.stores.commands.get(&id.to_string()).await.unwrap()
    }

    /// Returns a worker that runs and whose controller serves.
    pub(crate) async fn serving(&self) -> Worker {
        let all = self.workers().await;
        all.into_iter().find(Worker::is_reachable).expect("a worker that serves")
    }

    /// Returns how often the scheduler called EC2 or CloudWatch since the count was last forgotten.
    pub(crate) fn calls(&self, action: &str) -> u64 {
        self.sim.cloud().calls().get(action).copied().unwrap_or(0)
    }

    /// Returns the committed changes of a kind that wait to be told.
    pub(crate) async fn told(&self, kind: Kind) -> Vec<Change> {
        let pending = self.fleet.stores.outbox.pending(10_000).await.unwrap();
        let changes = pending.into_iter().flat_map(|pending| pending.changes);
        changes.filter(|change| change.kind == kind).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Puts settings in force, as if somebody had made them before.
    pub(crate) async fn set(&self, change: impl FnOnce(&mut SettingsSpec)) {
        let known = self.fleet.stores.settings.find(SETTINGS_KEY).await.unwrap();
        let new = known.is_none();
        let mut settings = known.unwrap_or_default();
        change(&mut settings.spec);
        settings.rev += 1;
        let settings: Settings = settings;
        let all = &self.fleet.stores.settings;
        let written = if new {
            all.insert(&settings, &[], Writer::Intent).await
        } else {
            all.put(&settings, &[], Writer::Intent).await
        };
        written.unwrap();
    }

    /// Lets every instance of the simulated fleet become a worker.
    pub(crate) async fn import_everything(&self) {
        let rule = |scope: &ccm_domain::Scope| ImportRule {
            account: scope.account.clone(),
            region: scope.region.clone(),
            enabled: true,
            image_name: Some("*cml2*".to_owned()),
            tag: None,
            tag_value: None,
        };
        let rules = self.remotes.scopes.iter().map(rule).collect();
        self.set(|spec| spec.import.rules = rules).await;
    }

    pub(crate) fn parts(&self, epoch: u64, jobs: JobsSection) -> Parts {
        let meter = self.metrics.meter("test");
        Parts {
            fleet: self.fleet.clone(),
            remotes: self.remotes.clone(),
            epoch: Epoch(epoch),
            holder: format!("leader-{epoch}"),
            jobs,
            instruments: Instruments::new(&meter, &self.fleet),
            tracer: Traces::off().tracer("test"),
        }
    }

    /// Starts a leader of the given term, sealed and prepared.
    pub(crate) async fn leader(&self, epoch: u64) -> Leader {
        self.leader_with(epoch, all_jobs()).await
    }

    pub(crate) async fn leader_with(&self, epoch: u64, jobs: JobsSection) -> Leader {
        self.fleet.stores.leases.seal(Epoch(epoch)).await.unwrap();
        let engine = Engine::new(self.parts(epoch, jobs));
        engine.prepare().await.unwrap();
        let (stop, mut work) = (Stop::default(), JoinSet::new());
        engine.run_lanes(&stop, &mut work);
        Leader { engine, stop, work }
    }

    pub(crate) async fn workers(&self) -> Vec<Worker> {
        self.fleet.stores.workers.list(&Query::default()).await.unwrap().items
    }

    pub(crate) async fn worker(&self, id: WorkerId) -> Worker {
        self.fleet.stores.workers.get(&id.to_string()).await.unwrap()
    }

    pub(crate) async fn worker_of(&self, instance: &InstanceId) -> Worker {
        let all = self.workers().await;
        all.into_iter().find(|w| w.instance_id() == Some(instance)).unwrap()
    }

    pub(crate) async fn runs_of(&self, job: &str) -> Vec<Run> {
        let query = Query::default().is("job", job).by("queued", false);
        self.fleet.stores.runs.list(&query).await.unwrap().items
    }

    pub(crate) async fn schedule(&self, name: &str) -> Schedule {
        self.fleet.stores.schedules.get(name).await.unwrap()
    }

    /// Asserts that every run has ended well.
    pub(crate) async fn assert_runs_are_well(&self) {
        let runs = self.fleet.stores.runs.list(&Query::default()).await.unwrap().items;
        let bad: Vec<_> = runs.iter().filter(|r| r.state != RunState::Succeeded).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}

impl Leader {
    /// Leaves in order: starts nothing more and waits for what is under way.
    pub(crate) async fn leave(mut self) {
        self.stop.leaving.cancel();
        while let Some(ended) = self.work.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    /// Is lost, as with its process: whatever is under way is never heard of again.
    pub(crate) async fn crash(mut self) {
        self.work.shutdown().await;
    }

    /// Does all that is due now, and all that becomes due by it, without time passing; returns when
    /// something is due next.
    pub(crate) async fn settle(&self) -> Option<Timestamp> {
        for _ in 0..20 {
            let now = self.engine.now();
            let next = self.engine.tick().await.unwrap();
            self.engine.idle().await;
            if self.engine.next_look().is_some_and(|at| at <= now) {
                self.engine.follow(false).await.unwrap();
            }
            if next.is_none_or(|at| at > now) {
                return next.into_iter().chain(self.engine.next_look()).min();
            }
        }
        panic!("it does not settle");
    }

    /// Moves the clock by steps and settles after each.
    pub(crate) async fn pass(&self, world: &World, span: Duration, step: Duration) {
        let end = world.now().plus(span);
        while world.now() < end {
            world.clock.advance(step);
            self.settle().await;
        }
    }

    /// Moves the clock from one moment at which something is due to the next, for a span at least.
    pub(crate) async fn live(&self, world: &World, span: Duration) {
        let end = world.now().plus(span);
        let mut next = self.settle().await;
        while world.now() < end {
            let at = next.unwrap_or(end).min(end);
            world.clock.advance(at.since(world.now()).max(SECOND));
            next = self.settle().await;
        }
    }
}

/// Returns where a worker's controller is reached.
pub(crate) fn controller(worker: &Worker) -> Controller {
    Controller { worker: worker.id, endpoint: worker.status.endpoint.clone().unwrap() }
}

/// Waits until something is so; gives up after a while.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let waiting = async {
        while !is_so().await {
            looks.tick().await;
        }
    };
    assert!(tokio::time::timeout(MINUTE, waiting).await.is_ok(), "never: {what}");
}

/// Every periodic job switched on, `import_instances` among them.
pub(crate) fn all_jobs() -> JobsSection {
    jobs(r#"{"import_instances": {"enabled": true}}"#)
}

pub(crate) fn jobs(json: &str) -> JobsSection {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn person() -> Actor {
    Actor { name: "ada".to_owned(), kind: ActorKind::Person, roles: [Role::Admin].into() }
}

pub(crate) fn author() -> Author {
    person().author()
}
