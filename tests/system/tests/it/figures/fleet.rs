//! Workers that are written straight through the store's ports, as the API writes what people ask for.

use std::sync::Arc;
use std::time::Instant;

use ccm_bus::Bus;
use ccm_domain::worker::{NewWorker, Spec};
use ccm_domain::{
    Account, ActorKind, Author, IdlePolicy, OperationId, Scope, Timestamp, Worker, WorkerId,
};
use ccm_events::{Change, payload};
use ccm_ports::{Chime, Writer};
use ccm_store::{OpenOptions, Opened};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::place::variable;

/// What a new worker tells: that it is there, what it is, and its first operation.
pub(super) const OF_NEW: usize = 3;
/// What another idle policy tells: what is wanted, and what then holds.
pub(super) const OF_CHANGE: usize = 2;

/// Writers at once: as many as some API processes would be.
const WRITERS: usize = 16;

/// A way into a cluster past its API.
#[derive(Clone, Debug)]
pub(super) struct Fleet {
    opened: Opened,
    bus: Arc<Bus>,
}

impl Fleet {
    pub(super) async fn of(cluster: &Cluster) -> Self {
        let place = cluster.store.as_str().parse().unwrap();
        let opened = ccm_store::open(&place, OpenOptions::default()).await.unwrap();
        let place = variable("CCM_TEST_REDIS_URL").parse().unwrap();
        let bus = ccm_bus::open(&place, &cluster.namespace.parse().unwrap(), 1).unwrap();
        Self { opened, bus: Arc::new(bus) }
    }

    /// Makes so many new workers.
    pub(super) async fn make(&self, count: usize) -> Vec<Worker> {
        let mut writers = JoinSet::new();
        for nth in 0..WRITERS {
            let fleet = self.clone();
            writers.spawn(async move {
                let mut made = Vec::new();
                for nth in (nth..count).step_by(WRITERS) {
                    made.push(fleet.insert(nth).await);
                }
                made
            });
        }
        writers.join_all().await.concat()
    }

    /// Returns the last number of the log without adding to what the API does.
    pub(super) async fn head(&self) -> u64 {
        self.opened.stores.log.head().await.unwrap()
    }

    /// Commits another idle policy of a worker, and rings; returns when the commit was acknowledged.
    pub(super) async fn change(&self, worker: &mut Worker) -> Instant {
        let now = self.opened.clock.now();
        worker.rev += 1;
        let policy = IdlePolicy { timeout_s: Some(3_600 + worker.rev), ..IdlePolicy::default() };
        worker.set_idle_policy(policy, now).unwrap();
        let changes = changes_of(worker, now);
        assert_eq!(changes.len(), OF_CHANGE, "{changes:?}");
        self.opened.stores.workers.put(worker, &changes, Writer::Intent).await.unwrap();
        let acknowledged = Instant::now();
        self.bus.bell.ring(Chime::Outbox).await;
        acknowledged
    }

    /// As when somebody asks for a worker, but nobody is told that there is something to tell.
    async fn insert(&self, nth: usize) -> Worker {
        let now = self.opened.clock.now();
        let order = NewWorker {
            name: format!("figure-{nth}"),
            scope: Scope { account: Account::default(), region: "eu-central-1".parse().unwrap() },
            spec: Spec::default(),
        };
        let by = Author { kind: ActorKind::Person, name: "somebody".to_owned() };
        let id = WorkerId::new(Uuid::now_v7());
        let operation = OperationId::new(Uuid::now_v7());
        let mut worker = Worker::create(id, order, operation, by, now);
        let changes = changes_of(&mut worker, now);
        assert_eq!(changes.len(), OF_NEW, "{changes:?}");
        self.opened.stores.workers.insert(&worker, &changes, Writer::Intent).await.unwrap();
        worker
    }
}

fn changes_of(worker: &mut Worker, now: Timestamp) -> Vec<Change> {
    let facts = worker.take_facts();
    payload::worker_changes(worker, &facts, now, None)
}
