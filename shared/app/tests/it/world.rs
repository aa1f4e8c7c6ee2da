//! A store, a bus, a modelled fleet and a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use ccm_app::{EndpointTemplate, Fleet, FleetOps, Remotes, Report, Sight, WorkerRef};
use ccm_bus::LocalBus;
use ccm_domain::settings::ImportRule;
use ccm_domain::worker::{Operation, OperationState};
use ccm_domain::{
    Actor, ActorKind, Author, Epoch, InstanceId, OperationId, Role, Scope, SettingsSpec, Timestamp,
    Worker, WorkerId, WorkerState,
};
use ccm_events::{Change, Kind};
use ccm_ports::{Clock as _, Controller, Query, SETTINGS_KEY, Writer};
use ccm_store::Embedded;
use ccm_testkit::clock::MovedClock;
use ccm_testkit::fleet::{ENDPOINT, FleetOptions, SimFleet};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// Everything around the use cases.
pub(crate) struct World {
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) sim: SimFleet,
    pub(crate) fleet: Fleet,
    pub(crate) remotes: Remotes,
    _store: Embedded,
}

impl World {
    /// Instances that nobody uses and that are no workers yet.
    pub(crate) fn new(workers: usize) -> Self {
        let clock = Arc::new(MovedClock::at(Timestamp::from_millis(1_780_142_400_000)));
        let options = FleetOptions { workers, seed: 1, mishaps: false, people: false };
        let sim = SimFleet::build(Arc::clone(&clock) as _, &options);
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
            publisher: bus,
            scopes: sim.scopes(),
            endpoint: EndpointTemplate(ENDPOINT.to_owned()),
        };
        Self { clock, sim, fleet, remotes, _store: store }
    }

    /// Workers of all instances; those that run serve.
    pub(crate) async fn fleet_of(workers: usize) -> Self {
        let world = Self::new(workers);
        world.rules_for_everything().await;
        for scope in world.remotes.scopes.clone() {
            world.ops(1).import_by_rules(&scope, &author()).await.unwrap();
        }
        for _ in 0..5 {
            world.sweep(1).await;
            for worker in world.workers().await {
                world.ops(1).reconcile(worker.id, Sight::Old).await.unwrap();
            }
            world.clock.advance(MINUTE);
        }
        world
    }

    pub(crate) async fn rules_for_everything(&self) {
        let rule = |scope: &Scope| ImportRule {
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

    pub(crate) async fn set(&self, change: impl FnOnce(&mut SettingsSpec)) {
        let all = &self.fleet.stores.settings;
        let known = all.find(SETTINGS_KEY).await.unwrap();
        let new = known.is_none();
        let mut settings = known.unwrap_or_default();
        change(&mut settings.spec);
        settings.rev += 1;
        let written = if new {
            all.insert(&settings, &[], Writer::Intent).await
        } else {
            all.put(&settings, &[], Writer::Intent).await
        };
        written.unwrap();
    }

    /// Acts for the leader of a term.
    pub(crate) fn ops(&self, epoch: u64) -> FleetOps {
        self.ops_with(epoch, self.remotes.clone())
    }

    pub(crate) fn ops_with(&self, epoch: u64, remotes: Remotes) -> FleetOps {
        FleetOps { fleet: self.fleet.clone(), remotes, epoch: Epoch(epoch) }
    }

    pub(crate) async fn seal(&self, epoch: u64) {
        self.fleet.stores.leases.seal(Epoch(epoch)).await.unwrap();
    }

    /// Looks at every region once.
    pub(crate) async fn sweep(&self, epoch: u64) -> Report {
        let mut report = Report::default();
        for scope in &self.remotes.scopes {
            report.merge(self.ops(epoch).observe_scope(scope).await.unwrap());
        }
        report
    }

    /// Reconciles a worker every two seconds until it has no open operation, at most for a span.
    pub(crate) async fn drive(&self, ops: &FleetOps, id: WorkerId, most: Duration) -> Worker {
        self.drive_by(2 * SECOND, ops, id, most).await
    }

    /// As [`Self::drive`], with another pause between two looks.
    pub(crate) async fn drive_by(
        &self,
        pause: Duration,
        ops: &FleetOps,
        id: WorkerId,
        most: Duration,
    ) -> Worker {
        let end = self.now().plus(most);
        loop {
            ops.reconcile(id, Sight::Old).await.unwrap();
            let worker = self.worker(id).await;
            let open = worker.open_power().is_some() || worker.open_license().is_some();
            if !open || self.now() >= end {
                return worker;
            }
            self.clock.advance(pause);
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn workers(&self) -> Vec<Worker> {
        self.fleet.stores.workers.list(&Query::default()).await.unwrap().items
    }

    pub(crate) async fn worker(&self, id: WorkerId) -> Worker {
        self.fleet.stores.workers.get(&id.to_string()).await.unwrap()
    }

    /// Returns a worker that runs and whose controller serves.
    pub(crate) async fn serving(&self) -> Worker {
        let all = self.workers().await;
        all.into_iter().find(Worker::is_reachable).expect("a worker that serves")
    }

    /// Returns a stopped worker.
    pub(crate) async fn stopped(&self) -> Worker {
        let all = self.workers().await;
        all.into_iter().find(|w| w.state() == WorkerState::Stopped).expect("a stopped worker")
    }

    pub(crate) fn op(&self) -> OperationId {
        self.fleet.new_operation_id()
    }

    /// Returns committed changes of a kind about a worker, oldest first.
    pub(crate) async fn told(&self, id: WorkerId, kind: Kind) -> Vec<Change> {
        let pending = self.fleet.stores.outbox.pending(100_000).await.unwrap();
        let of_worker = pending.into_iter().filter(|pending| pending.key == id.to_string());
        let changes = of_worker.flat_map(|pending| pending.changes);
        changes.filter(|change| change.kind == kind).collect()
    }
}

pub(crate) fn instance(worker: &Worker) -> &InstanceId {
    worker.instance_id().expect("it has an instance")
}

pub(crate) fn controller(worker: &Worker) -> Controller {
    Controller { worker: worker.id, endpoint: worker.status.endpoint.clone().unwrap() }
}

/// Returns the newest operation, which must have ended like this.
pub(crate) fn ended(worker: &Worker, state: OperationState) -> &Operation {
    let operation = worker.operations.first().expect("there is an operation");
    assert_eq!(operation.state, state, "{operation:#?}");
    operation
}

pub(crate) fn which(worker: &Worker) -> WorkerRef {
    WorkerRef::Id(worker.id)
}

pub(crate) fn person() -> Actor {
    Actor { name: "ada".to_owned(), kind: ActorKind::Person, roles: [Role::Admin].into() }
}

pub(crate) fn author() -> Author {
    person().author()
}
