//! Looking at the world: how often, how much it costs, and what is made of it.

use std::collections::BTreeSet;

use ccm_app::WorkerRef;
use ccm_domain::cml::LabAction;
use ccm_domain::worker::{OperationState, Power, Service};
use ccm_domain::{Epoch, WorkerState};
use ccm_events::Kind;
use ccm_ports::{EventFeed as _, Heard, Query, Writer};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::world::{MINUTE, SECOND, World, controller, person};

#[tokio::test]
async fn a_sweep_costs_the_same_number_of_calls_however_many_workers_there_are() {
    for workers in [6, 36] {
        let world = World::furnished(workers).await;
        let leader = world.leader(2).await;
        leader.settle().await;
        leader.engine.follow(true).await.unwrap();
        world.sim.cloud().forget_calls();

        leader.live(&world, 10 * MINUTE).await;

        // Two regions, ten minutes: a sweep a minute each; CloudWatch twice each.
        let describes = world.calls("DescribeInstances");
        assert!((10..=24).contains(&describes), "{describes} for {workers} workers");
        let metrics = world.calls("GetMetricData");
        assert!((2..=6).contains(&metrics), "{metrics} for {workers} workers");
    }
}

#[tokio::test]
async fn a_start_is_followed_closely_and_ends_when_the_controller_serves() {
    let world = World::furnished(6).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let stopped = world.workers().await.into_iter().find(|w| w.state() == WorkerState::Stopped);
    let which = WorkerRef::Id(stopped.unwrap().id);
    let asked_at = world.now();
    let op = world.fleet.new_operation_id();
    let worker = world.fleet.request_start(&person(), &which, op).await.unwrap().worker;
    world.sim.cloud().forget_calls();

    leader.engine.follow(true).await.unwrap();
    leader.live(&world, MINUTE).await;

    let running = world.worker(worker.id).await;
    assert_eq!((running.state(), running.spec.power), (WorkerState::Running, Power::On));
    // EC2 takes 8 to 20 s to run it; that is seen within one look.
    assert!(running.status.state_since.since(asked_at) <= 24 * SECOND);
    leader.live(&world, 5 * MINUTE).await;
    let serving = world.worker(worker.id).await;
    assert_eq!(serving.status.service, Service::Available);
    let operation = serving.operations.first().unwrap();
    assert_eq!(operation.state, OperationState::Succeeded, "{operation:#?}");
    let looks = world.calls("DescribeInstances");
    assert!(looks < 90, "{looks} looks for one start");
}

#[tokio::test]
async fn several_workers_on_their_way_are_looked_at_in_one_call_a_region() {
    let world = World::furnished(24).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let stopped = |w: &ccm_domain::Worker| w.state() == WorkerState::Stopped;
    let stopped: Vec<_> = world.workers().await.into_iter().filter(stopped).collect();
    assert!(stopped.len() >= 4);
    for worker in &stopped {
        let which = WorkerRef::Id(worker.id);
        let id = world.fleet.new_operation_id();
        world.fleet.request_start(&person(), &which, id).await.unwrap();
    }
    leader.engine.follow(true).await.unwrap();
    world.sim.cloud().forget_calls();

    world.clock.advance(2 * SECOND);
    leader.engine.follow(false).await.unwrap();

    assert!(world.calls("DescribeInstances") <= 2, "{:?}", world.sim.cloud().calls());
}

#[tokio::test]
async fn a_wish_for_one_brings_no_look_at_others_on_their_way() {
    let world = World::furnished(24).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let all = world.workers().await;
    let mut stopped = all.iter().filter(|w| w.state() == WorkerState::Stopped).map(|w| w.id);
    let (one, other) = (stopped.next().unwrap(), stopped.next().unwrap());
    let start = async |worker| {
        let operation = world.fleet.new_operation_id();
        let which = WorkerRef::Id(worker);
        world.fleet.request_start(&person(), &which, operation).await.unwrap();
    };
    start(one).await;
    leader.engine.follow(true).await.unwrap();
    world.sim.cloud().forget_calls();

    for _ in 0..10 {
        leader.engine.follow(true).await.unwrap();
    }
    assert_eq!(
        world.sim.cloud().calls().values().sum::<u64>(),
        0,
        "{:?}",
        world.sim.cloud().calls()
    );

    start(other).await;
    leader.engine.follow(true).await.unwrap();
    assert_eq!(world.worker(other).await.state(), WorkerState::Starting);
    assert_eq!(world.calls("StartInstances"), 1, "{:?}", world.sim.cloud().calls());
}

#[tokio::test]
async fn load_is_measured_kept_and_told() {
    let world = World::furnished(6).await;
    let worker = world.serving().await;
    let from = world.now().minus(10 * MINUTE);

    let samples = world.fleet.stores.samples.range(worker.id, from, world.now().plus(SECOND), 100);

    let samples = samples.await.unwrap();
    assert!(!samples.is_empty());
    assert!(samples.iter().all(|s| s.memory.is_some() && s.disk.is_some()), "{samples:?}");
    assert!(worker.status.metrics.at.is_some());
}

#[tokio::test]
async fn a_lab_that_is_gone_from_its_controller_is_removed() {
    let world = World::furnished(6).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let worker = world.serving().await;
    let of_worker = Query::default().is("worker", worker.id.to_string()).is("removed", "false");
    let labs = world.fleet.stores.labs.list(&of_worker).await.unwrap().items;
    let at = controller(&worker);
    for lab in &labs {
        for action in [LabAction::Stop, LabAction::Wipe, LabAction::Delete] {
            world.remotes.cml.act(&at, &lab.id, action).await.unwrap();
            // Nodes take their time to stop.
            world.clock.advance(MINUTE);
        }
    }

    leader.live(&world, 6 * MINUTE).await;

    assert!(!labs.is_empty());
    assert!(world.fleet.stores.labs.list(&of_worker).await.unwrap().items.is_empty());
    assert_eq!(world.worker(worker.id).await.status.cml.labs, 0);
}

#[tokio::test]
async fn what_a_deposed_leader_inserts_after_the_seal_is_fenced_by_the_next_sweep() {
    let world = World::furnished(3).await;
    let leader = world.leader(3).await;
    leader.settle().await;
    let mut late = world.serving().await;
    late.id = world.fleet.new_worker_id();
    late.status.instance = None;
    late.rev = 1;
    let old = Writer::Leader(Epoch(2));
    world.fleet.stores.workers.insert(&late, &[], old).await.unwrap();

    leader.live(&world, 2 * MINUTE).await;

    late.rev = world.worker(late.id).await.rev + 1;
    let refused = world.fleet.stores.workers.put(&late, &[], old).await.unwrap_err();
    assert!(matches!(refused, ccm_ports::StoreError::Stale), "{refused:?}");
}

#[tokio::test]
async fn metrics_tell_lag_outcomes_and_ages() {
    let world = World::quiet(3);
    let leader = world.leader(7).await;
    leader.live(&world, 2 * MINUTE).await;

    let text = world.metrics.render().unwrap();

    for line in [
        "ccm_schedule_lag_seconds_count{name=\"observe_instances\"}",
        "ccm_job_run_seconds_count{name=\"reconcile_workers\"}",
        "ccm_job_runs_total{name=\"observe_instances\",outcome=\"succeeded\"}",
        "ccm_job_last_success_age_seconds{name=\"prune\"}",
        "ccm_fenced_writes_total 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn starts_ends_and_readings_are_told_as_they_happen_and_kept_nowhere() {
    let world = World::furnished(3).await;
    let mut feed = world.bus.subscribe().await.unwrap();
    let leader = world.leader(2).await;

    leader.live(&world, 5 * MINUTE).await;

    let mut told = BTreeSet::new();
    while let Some(Some(Heard::Event(event))) = feed.next().now_or_never() {
        assert_eq!(event.seq, None, "{event:?}");
        told.insert(event.kind);
    }
    assert_eq!(told, [Kind::WorkerMetrics, Kind::RunStarted, Kind::RunFinished].into());
}
