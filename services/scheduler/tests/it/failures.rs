//! Failed, hanging, panicking and deadly runs: stored retries, an exact maximum, and nothing for ever.

use std::time::Duration;

use ccm_app::WorkerRef;
use ccm_domain::{CommandState, RunState};
use ccm_events::Kind;

use crate::unruly::{Mood, Unruly};
use crate::world::{Leader, MINUTE, SECOND, World, jobs, person, until};

/// Only what a test is about runs by itself.
const OBSERVE_ONLY: &str = r#"{
    "collect_measurements": {"enabled": false}, "refresh_labs": {"enabled": false},
    "detect_activity": {"enabled": false}, "reconcile_workers": {"enabled": false},
    "prune": {"enabled": false}
}"#;

/// Lets timers run out without waiting for them.
async fn timers_pass(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// One instance and one region, so that a sweep is one look.
fn one_region() -> (World, std::sync::Arc<Unruly>) {
    let (mut world, ec2) = World::quiet(1).unruly();
    world.remotes.scopes.truncate(1);
    (world, ec2)
}

async fn leader(world: &World, epoch: u64) -> Leader {
    world.leader_with(epoch, jobs(OBSERVE_ONLY)).await
}

#[tokio::test]
async fn a_failing_run_is_tried_again_at_a_stored_time_and_is_dead_after_its_last_attempt() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Fails]);
    let one = leader(&world, 1).await;

    one.settle().await;
    let run = world.runs_of("observe_instances").await.remove(0);
    let retry_at = run.next_at.unwrap();
    assert_eq!((run.state, run.attempt), (RunState::Failed, 1));
    assert!((2..=5).contains(&retry_at.since(world.now()).as_secs()), "{retry_at}");
    assert_eq!(run.error.unwrap().code, "no_region_answers");

    // The plan survives its leader.
    one.crash().await;
    let two = leader(&world, 2).await;
    two.settle().await;
    assert_eq!(world.run(run.id.as_str()).await.attempt, 1);
    world.clock.advance(retry_at.since(world.now()));
    two.settle().await;

    let run = world.run(run.id.as_str()).await;
    assert_eq!((run.state, run.attempt, run.starts), (RunState::Dead, 2, 2));
    assert_eq!(world.told(Kind::RunFailed).await.len(), 2);
    let schedule = world.schedule("observe_instances").await;
    assert_eq!(schedule.last.unwrap().state, RunState::Dead);
    assert_eq!(schedule.last_success_at, None);

    // A dead run does not stand in the way of the next slot.
    ec2.will(&[Mood::Well]);
    two.live(&world, 2 * MINUTE).await;
    assert!(world.schedule("observe_instances").await.last_success_at.is_some());
}

#[tokio::test]
async fn a_dead_run_that_is_put_back_is_tried_anew() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Fails]);
    let leader = leader(&world, 1).await;
    leader.settle().await;
    leader.live(&world, 10 * SECOND).await;
    let dead = world.runs_of("observe_instances").await.remove(0);
    assert_eq!(dead.state, RunState::Dead);

    ec2.will(&[Mood::Well]);
    world.fleet.requeue_run(&person(), dead.id.as_str()).await.unwrap();
    leader.settle().await;

    let run = world.run(dead.id.as_str()).await;
    assert_eq!((run.state, run.attempt, run.starts), (RunState::Succeeded, 1, 3));
    assert_eq!(run.requeued_by.unwrap().name, "ada");
}

#[tokio::test]
async fn a_panicking_job_fails_its_attempt_and_nothing_else() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Panics, Mood::Well]);
    let leader = leader(&world, 1).await;

    leader.settle().await;
    let run = world.runs_of("observe_instances").await.remove(0);
    let error = run.error.clone().unwrap();
    assert_eq!((run.state, error.code.as_str()), (RunState::Failed, "panicked"));
    assert!(error.text.contains("the model was told to"), "{}", error.text);

    leader.live(&world, 10 * SECOND).await;
    assert_eq!(world.run(run.id.as_str()).await.state, RunState::Succeeded);
}

#[tokio::test]
async fn a_run_that_hangs_is_ended_by_force_and_its_place_is_free_again() {
    let (world, ec2) = World::furnished(3).await.unruly();
    let worker = world.serving().await;
    let leader = world.leader_with(2, jobs(r#"{"observe_instances": {"enabled": false}}"#)).await;
    for name in ["observe_instances", "reconcile_workers", "collect_measurements"] {
        world.fleet.pause_schedule(&person(), name).await.unwrap();
    }
    leader.settle().await;
    ec2.will(&[Mood::Hangs, Mood::Well]);
    let id = world.fleet.new_operation_id();
    world.fleet.request_refresh(&person(), &WorkerRef::Id(worker.id), id).await.unwrap();
    leader.engine.tick().await.unwrap();
    ec2.hangs().await;

    timers_pass(Duration::from_secs(121)).await;
    leader.engine.idle().await;

    let run = world.run(&id.to_string()).await;
    assert_eq!((run.state, run.error.unwrap().code.as_str()), (RunState::Failed, "timeout"));
    assert_eq!(world.command(id).await.state, CommandState::Claimed);
    leader.live(&world, 10 * SECOND).await;
    assert_eq!(world.run(&id.to_string()).await.state, RunState::Succeeded);
    assert_eq!(world.command(id).await.state, CommandState::Done);
}

#[tokio::test]
async fn a_region_that_hangs_costs_its_own_time_and_never_the_others() {
    let (world, ec2) = World::furnished(12).await.unruly();
    let scopes = world.remotes.scopes.clone();
    ec2.will_in(&scopes[0].region, Mood::Hangs);
    let elsewhere: Vec<_> =
        world.workers().await.into_iter().filter(|w| w.scope == scopes[1] && w.runs()).collect();
    world.sim.cloud().stop_as_console(elsewhere[0].instance_id().unwrap()).unwrap();
    let leader = leader(&world, 2).await;
    world.clock.advance(MINUTE);

    leader.engine.tick().await.unwrap();
    ec2.hangs().await;
    until("the other region is through", async || {
        world.worker(elsewhere[0].id).await.status.drift.is_some()
    })
    .await;
    timers_pass(Duration::from_secs(61)).await;
    leader.engine.idle().await;

    let run = world.runs_of("observe_instances").await.pop().unwrap();
    assert_eq!(run.state, RunState::Succeeded, "{run:#?}");
    assert_eq!(run.counts["errors"], 1);
    assert!(run.outcome.unwrap().contains(&scopes[0].to_string()));
    let drift = world.worker(elsewhere[0].id).await.status.drift.unwrap();
    assert!(drift.detail.contains("stopped from outside"), "{drift:?}");
}

#[tokio::test]
async fn a_run_that_takes_its_process_along_is_quarantined_after_three_times() {
    let (world, ec2) = one_region();
    ec2.will(&[Mood::Hangs]);
    let mut id = None;
    for epoch in 1..=3 {
        let leader = leader(&world, epoch).await;
        leader.engine.tick().await.unwrap();
        ec2.hangs().await;
        let run = world.runs_of("observe_instances").await.remove(0);
        assert_eq!((run.state, u64::from(run.starts)), (RunState::Running, epoch));
        id = Some(run.id);
        leader.crash().await;
    }

    let last = leader(&world, 4).await;

    let run = world.run(id.unwrap().as_str()).await;
    assert_eq!((run.state, run.crashes, run.attempt), (RunState::Quarantined, 3, 0));
    assert_eq!(world.schedule("observe_instances").await.open, None);
    ec2.will(&[Mood::Well]);
    last.live(&world, 2 * MINUTE).await;
    assert_eq!(world.run(run.id.as_str()).await.state, RunState::Quarantined);
    assert!(world.runs_of("observe_instances").await.len() >= 2);
}

#[tokio::test]
async fn no_more_runs_of_a_job_are_under_way_than_it_allows() {
    let (world, ec2) = World::furnished(12).await.unruly();
    for name in ["observe_instances", "reconcile_workers", "collect_measurements"] {
        world.fleet.pause_schedule(&person(), name).await.unwrap();
    }
    let leader = leader(&world, 2).await;
    leader.settle().await;
    ec2.will(&[Mood::Hangs]);
    let workers = world.workers().await;
    for worker in workers.iter().filter(|w| w.is_reachable()).take(8) {
        let (which, id) = (WorkerRef::Id(worker.id), world.fleet.new_operation_id());
        world.fleet.request_refresh(&person(), &which, id).await.unwrap();
    }

    leader.engine.tick().await.unwrap();
    for _ in 0..5 {
        ec2.hangs().await;
    }
    leader.engine.tick().await.unwrap();

    let runs = world.runs_of("refresh_worker").await;
    let count = |state| runs.iter().filter(|run| run.state == state).count();
    assert_eq!((count(RunState::Running), count(RunState::Queued)), (5, 3));
    assert_eq!(ec2.hanging.available_permits(), 0);
    timers_pass(Duration::from_secs(121)).await;
    ec2.will(&[Mood::Well]);
    leader.live(&world, 10 * SECOND).await;
    let runs = world.runs_of("refresh_worker").await;
    assert!(runs.iter().all(|run| run.state == RunState::Succeeded), "{runs:#?}");
}
