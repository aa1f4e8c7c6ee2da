//! Slots take effect once, change at run time, and are never lost without a word.

use std::time::Duration;

use ccm_app::FleetError;
use ccm_domain::schedule::{Cadence, SchedulePatch, SkipReason};
use ccm_domain::{RunState, Schedule};
use ccm_ports::{StoreError, Writer};

use crate::unruly::Mood;
use crate::world::{MINUTE, SECOND, World, jobs, person};

#[tokio::test]
async fn a_slot_takes_effect_once_though_two_schedulers_run_on_one_store() {
    let world = World::quiet(3);
    let old = world.leader(1).await;
    old.settle().await;
    let new = world.leader(2).await;

    for _ in 0..30 {
        world.clock.advance(10 * SECOND);
        let (first, second) = tokio::join!(old.engine.tick(), new.engine.tick());
        second.unwrap();
        // Whoever was deposed finds nothing due, or is told that it is not the leader any more.
        if let Err(err) = first {
            assert!(matches!(err, FleetError::Store(StoreError::Stale)), "{err:?}");
        }
        tokio::join!(old.engine.idle(), new.engine.idle());
    }

    let runs = world.runs_of("observe_instances").await;
    let slots: std::collections::BTreeSet<_> = runs.iter().map(|run| run.slot).collect();
    assert_eq!(slots.len(), runs.len());
    assert!((5..=7).contains(&runs.len()), "{}", runs.len());
    assert!(
        runs.iter().all(|run| run.starts == 1 && run.state == RunState::Succeeded),
        "{runs:#?}"
    );
    assert!(runs.iter().skip(1).all(|run| run.epoch.unwrap().0 == 2), "{runs:#?}");
    let metrics = world.metrics.render().unwrap();
    assert!(metrics.contains("ccm_fenced_writes_total"), "{metrics}");
}

#[tokio::test]
async fn a_claimed_slot_whose_run_was_never_made_gets_its_run() {
    let world = World::quiet(1);
    let first = world.leader(1).await;
    let now = world.now();
    let claim = |schedule: &mut Schedule| Ok(schedule.claim(now));
    let by = Writer::Leader(ccm_domain::Epoch(1));
    // The leader is lost between the two writes.
    let schedules = &world.fleet.stores.schedules;
    let (claimed, _) = world.fleet.update(schedules, "prune", by, claim).await.unwrap();
    first.crash().await;

    let second = world.leader(2).await;
    second.settle().await;

    let runs = world.runs_of("prune").await;
    assert_eq!(runs.len(), 1, "{runs:#?}");
    assert_eq!((runs[0].slot, runs[0].state), (claimed.open, RunState::Succeeded));
    assert_eq!(world.schedule("prune").await.open, None);
}

#[tokio::test]
async fn an_ended_run_whose_slot_stayed_open_lets_the_schedule_go_on() {
    let world = World::quiet(1);
    let first = world.leader(1).await;
    first.settle().await;
    let mut schedule = world.schedule("prune").await;
    // The leader is lost between the end of the run and the end of its slot.
    schedule.open = schedule.claimed;
    schedule.rev += 1;
    let by = Writer::Leader(ccm_domain::Epoch(1));
    world.fleet.stores.schedules.put(&schedule, &[], by).await.unwrap();
    first.crash().await;

    let second = world.leader(2).await;
    second.live(&world, 2 * 60 * MINUTE).await;

    assert!(world.runs_of("prune").await.len() >= 2);
}

#[tokio::test]
async fn a_changed_schedule_counts_from_the_next_tick_on_and_survives_a_change_of_leader() {
    let world = World::quiet(1);
    let leader = world.leader(1).await;
    leader.settle().await;
    let patch = SchedulePatch {
        cadence: Some(Cadence::Every { seconds: 10 }),
        jitter_s: Some(0),
        ..SchedulePatch::default()
    };
    let any = ccm_app::Expected::Any;

    world.fleet.change_schedule(&person(), "prune", &any, &patch).await.unwrap();
    leader.live(&world, MINUTE).await;

    assert_eq!(world.runs_of("prune").await.len(), 1 + 6);
    leader.leave().await;
    let next = world.leader(2).await;
    next.live(&world, MINUTE).await;
    assert!(world.runs_of("prune").await.len() >= 1 + 6 + 5);
}

#[tokio::test]
async fn a_paused_schedule_runs_when_it_is_triggered_and_not_otherwise() {
    let world = World::quiet(1);
    let leader = world.leader(1).await;
    leader.settle().await;
    world.fleet.pause_schedule(&person(), "observe_instances").await.unwrap();

    leader.live(&world, 5 * MINUTE).await;
    assert_eq!(world.runs_of("observe_instances").await.len(), 1);

    world.fleet.trigger_schedule(&person(), "observe_instances").await.unwrap();
    world.fleet.trigger_schedule(&person(), "observe_instances").await.unwrap();
    leader.settle().await;
    assert_eq!(world.runs_of("observe_instances").await.len(), 2);
}

#[tokio::test]
async fn a_slot_that_comes_due_while_the_one_before_it_runs_is_left_out_with_the_reason() {
    let (world, ec2) = World::quiet(1).unruly();
    ec2.will(&[Mood::Hangs]);
    let leader = world.leader_with(1, jobs(r#"{"reconcile_workers": {"enabled": false}}"#)).await;
    leader.engine.tick().await.unwrap();
    ec2.hangs().await;

    world.clock.advance(2 * MINUTE);
    leader.engine.tick().await.unwrap();

    let schedule = world.schedule("observe_instances").await;
    let skip = schedule.last_skip.unwrap();
    assert_eq!((skip.reason, skip.count), (SkipReason::Overlap, 2));
    assert_eq!(world.runs_of("observe_instances").await.len(), 1);
    let metrics = world.metrics.render().unwrap();
    assert!(metrics.contains("ccm_schedule_skips_total{reason=\"overlap\""), "{metrics}");
}

#[tokio::test]
async fn slots_missed_while_nobody_led_are_made_up_for_by_one_run() {
    let world = World::quiet(1);
    let leader = world.leader(1).await;
    leader.settle().await;
    leader.crash().await;
    world.clock.advance(Duration::from_secs(3_600));

    let next = world.leader(2).await;
    next.settle().await;

    assert_eq!(world.runs_of("observe_instances").await.len(), 2);
    let schedule = world.schedule("observe_instances").await;
    assert_eq!(schedule.last_skip.unwrap().reason, SkipReason::Missed);
    assert!(schedule.skipped >= 58, "{}", schedule.skipped);
}
