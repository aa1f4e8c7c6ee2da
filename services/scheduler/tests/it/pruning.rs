//! What is forgotten, when, and what is not.

use std::time::Duration;

use ccm_domain::{Command, CommandKind, RunState, WorkerState};
use ccm_events::Kind;
use ccm_ports::{Query, Reply, Writer};
use ccm_testkit::fleet::FleetOptions;

use crate::world::{MINUTE, World, author, jobs};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Only `prune` runs, so that days pass quickly.
const PRUNE_ONLY: &str = r#"{
    "observe_instances": {"every": "1d", "jitter": "0s"}, "collect_measurements": {"enabled": false},
    "refresh_labs": {"enabled": false}, "detect_activity": {"enabled": false},
    "reconcile_workers": {"enabled": false}, "prune": {"every": "6h"}
}"#;

#[tokio::test]
async fn runs_commands_and_answers_go_after_their_keep_time_and_open_ones_stay() {
    let options = FleetOptions { workers: 1, seed: 1, mishaps: false, people: false };
    let world = World::of(&options);
    let leader = world.leader_with(1, jobs(PRUNE_ONLY)).await;
    leader.settle().await;
    let kind = CommandKind::Trigger { schedule: "prune".to_owned() };
    let id = world.fleet.new_operation_id();
    let mut command = Command::new(id, kind, &author(), None, world.now()).unwrap();
    let commands = &world.fleet.stores.commands;
    world.fleet.insert(commands, &mut command, Writer::Intent).await.unwrap();
    let mut waits = Command { id: world.fleet.new_operation_id(), ..command.clone() };
    waits.fold_key = None;
    waits.not_before = world.now().plus(60 * DAY);
    world.fleet.insert(commands, &mut waits, Writer::Intent).await.unwrap();
    let reply = Reply {
        key: "k".to_owned(),
        rev: 1,
        fingerprint: "f".to_owned(),
        ticket: id,
        status: Some(202),
        headers: Vec::new(),
        body: String::new(),
        at: world.now(),
    };
    world.fleet.stores.replies.insert(&reply, &[], Writer::Intent).await.unwrap();
    let first = world.runs_of("observe_instances").await.remove(0);

    leader.live(&world, 23 * HOUR).await;
    assert!(world.fleet.stores.replies.find("k").await.unwrap().is_some());
    leader.live(&world, 8 * HOUR).await;
    assert!(world.fleet.stores.replies.find("k").await.unwrap().is_none());
    assert_eq!(world.run(first.id.as_str()).await.state, RunState::Succeeded);

    leader.live(&world, 7 * DAY).await;
    assert!(world.fleet.stores.runs.find(first.id.as_str()).await.unwrap().is_none());
    assert!(commands.find(&id.to_string()).await.unwrap().is_none());
    assert!(commands.find(&waits.id.to_string()).await.unwrap().is_some());
    let runs = world.fleet.stores.runs.list(&Query::default()).await.unwrap().items.len();
    assert!(runs <= 45, "{runs} runs of 7 days are kept");
}

#[tokio::test]
async fn a_terminated_worker_is_removed_with_an_event_and_then_forgotten_with_all_that_was_its() {
    let world = World::furnished(6).await;
    let worker = world.serving().await;
    world.sim.cloud().terminate_as_console(worker.instance_id().unwrap()).unwrap();
    let leader = world.leader(2).await;
    leader.live(&world, 5 * MINUTE).await;
    assert_eq!(world.worker(worker.id).await.state(), WorkerState::Terminated);
    leader.leave().await;
    for name in [
        "observe_instances",
        "collect_measurements",
        "refresh_labs",
        "detect_activity",
        "reconcile_workers",
        "import_instances",
    ] {
        world.fleet.pause_schedule(&crate::world::person(), name).await.unwrap();
    }
    let leader = world.leader(3).await;

    leader.live(&world, 7 * DAY).await;
    leader.live(&world, 3 * HOUR).await;
    let removed = world.worker(worker.id).await;
    assert!(removed.removed_at.is_some());
    let told = world.told(Kind::WorkerRemoved).await;
    assert_eq!(told.len(), 1);

    // It is forgotten only after everything about it was told.
    let outbox = &world.fleet.stores.outbox;
    outbox.told(&outbox.pending(10_000).await.unwrap()).await.unwrap();
    leader.live(&world, 3 * HOUR).await;
    let key = worker.id.to_string();
    assert!(world.fleet.stores.workers.find(&key).await.unwrap().is_none());
    let labs = Query::default().is("worker", key);
    assert!(world.fleet.stores.labs.list(&labs).await.unwrap().items.is_empty());
    let all = world.fleet.stores.samples.range(worker.id, worker.created_at, world.now(), 10);
    assert!(all.await.unwrap().is_empty());
}
