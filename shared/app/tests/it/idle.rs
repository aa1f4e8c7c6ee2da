//! Pause, snooze, extension, activity in the last second; and never a stop by what was not read.

use std::time::Duration;

use ccm_domain::worker::{OperationKind, PowerReason};
use ccm_domain::{ActorKind, IdlePolicy, Verdict, Worker, WorkerState};
use ccm_events::Kind;
use ccm_testkit::lab_host::Fault;
use ccm_testkit::people::Deed;

use crate::world::{HOUR, MINUTE, SECOND, World, instance, person, which};

async fn detect(world: &World, worker: &Worker) -> Worker {
    let settings = world.fleet.settings().await.unwrap();
    let known = world.worker(worker.id).await;
    world.ops(1).detect_activity(&known, &settings).await.unwrap();
    world.worker(worker.id).await
}

fn verdict(worker: &Worker) -> Verdict {
    worker.status.idle.as_ref().unwrap().verdict
}

/// A worker that nobody used since it was imported, six minutes ago at most.
async fn unused() -> (World, Worker) {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    (world, worker)
}

#[tokio::test]
async fn a_worker_that_nobody_uses_is_warned_then_paused_with_reason_and_author() {
    let (world, worker) = unused().await;
    assert_eq!(verdict(&detect(&world, &worker).await), Verdict::Active);
    let deadline = worker.created_at.plus(HOUR);

    world.clock.advance(deadline.minus(5 * MINUTE).since(world.now()));
    let warned = detect(&world, &worker).await;
    assert_eq!(verdict(&warned), Verdict::Warned);
    assert_eq!(warned.status.idle.as_ref().unwrap().deadline, Some(deadline));
    assert!(warned.open_power().is_none());

    world.clock.advance(5 * MINUTE);
    let idle = detect(&world, &worker).await;
    let stop = idle.open_power().unwrap();
    assert_eq!((stop.kind, stop.by.kind), (OperationKind::Stop, ActorKind::Policy));
    let down = world.drive(&world.ops(1), worker.id, 5 * MINUTE).await;
    assert_eq!(down.state(), WorkerState::Stopped);
    let paused = down.status.power.paused.unwrap();
    assert_eq!((paused.reason, paused.by.as_str()), (PowerReason::IdleTimeout, "idle_timeout"));
    assert_eq!(down.status.power.auto_pauses, 1);
    assert!(!world.told(worker.id, Kind::WorkerActivityChanged).await.is_empty());
}

#[tokio::test]
async fn use_in_the_last_second_before_the_deadline_moves_it_by_a_whole_timeout() {
    let (world, worker) = unused().await;
    detect(&world, &worker).await;
    let deadline = worker.created_at.plus(HOUR);
    world.clock.advance(deadline.minus(SECOND).since(world.now()));
    world.sim.hosts().act(instance(&worker), Deed::StartLab);
    let used_at = world.now();
    world.clock.advance(10 * MINUTE);

    let used = detect(&world, &worker).await;

    assert_eq!(verdict(&used), Verdict::Active);
    assert!(used.open_power().is_none());
    let moved = used.status.idle.unwrap().deadline.unwrap();
    assert!(moved.since(used_at) >= HOUR - SECOND, "{moved} for {used_at}");
}

#[tokio::test]
async fn an_extension_that_is_asked_for_while_the_decision_is_made_wins() {
    let (world, worker) = unused().await;
    detect(&world, &worker).await;
    world.clock.advance(2 * HOUR);
    // The job has read the worker; before it writes, somebody extends it.
    let known = world.worker(worker.id).await;
    world.fleet.extend_worker(&person(), &which(&worker), HOUR).await.unwrap();
    let settings = world.fleet.settings().await.unwrap();

    world.ops(1).detect_activity(&known, &settings).await.unwrap();

    let kept = world.worker(worker.id).await;
    assert_eq!(verdict(&kept), Verdict::Extended);
    assert!(kept.open_power().is_none());
}

#[tokio::test]
async fn a_resumed_worker_is_left_alone_for_its_snooze_and_a_whole_timeout() {
    let (world, worker) = unused().await;
    world.set(|spec| spec.idle.snooze_s = 2 * 3_600).await;
    world.fleet.request_stop(&person(), &which(&worker), world.op()).await.unwrap();
    world.drive(&world.ops(1), worker.id, 5 * MINUTE).await;
    world.clock.advance(5 * HOUR);
    world.fleet.request_start(&person(), &which(&worker), world.op()).await.unwrap();
    let up = world.drive(&world.ops(1), worker.id, 10 * MINUTE).await;
    let resumed = up.status.power.resumed.as_ref().unwrap().at;

    world.clock.advance(HOUR + 30 * MINUTE);
    let snoozed = detect(&world, &worker).await;
    assert_eq!(verdict(&snoozed), Verdict::Snoozed);
    assert_eq!(snoozed.status.idle.unwrap().deadline, Some(resumed.plus(2 * HOUR)));

    world.clock.advance(30 * MINUTE);
    let idle = detect(&world, &worker).await;
    assert_eq!(verdict(&idle), Verdict::Idle);
}

#[tokio::test]
async fn telemetry_that_cannot_be_read_never_stops_anything() {
    for fault in [Fault::Unreachable, Fault::Garbage, Fault::Status { status: 500 }] {
        let (world, worker) = unused().await;
        detect(&world, &worker).await;
        world.sim.hosts().inject(instance(&worker), fault, None);
        for _ in 0..30 {
            world.clock.advance(10 * MINUTE);
            let unknown = detect(&world, &worker).await;
            assert!(unknown.open_power().is_none(), "{fault:?}");
            assert_ne!(verdict(&unknown), Verdict::Idle, "{fault:?}");
        }
        let last = world.worker(worker.id).await;
        assert_eq!(verdict(&last), Verdict::Unknown, "{fault:?}");
        assert!(last.status.activity.read_error.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_system_itself_does_on_a_controller_is_no_use() {
    let (world, worker) = unused().await;
    let deadline = worker.created_at.plus(HOUR);
    while world.now() < deadline {
        let known = world.worker(worker.id).await;
        world.ops(1).measure_worker(&known).await.unwrap();
        world.ops(1).refresh_labs(&known).await.unwrap();
        detect(&world, &worker).await;
        world.clock.advance(5 * MINUTE);
    }

    let idle = detect(&world, &worker).await;

    assert_eq!(verdict(&idle), Verdict::Idle);
    assert_eq!(idle.status.activity.last_at, None, "{:?}", idle.status.activity);
}

#[tokio::test]
async fn fleet_tag_and_worker_have_their_say_about_the_policy() {
    let (world, worker) = unused().await;
    world.clock.advance(3 * HOUR);
    let any = ccm_app::Expected::Any;
    let set = |enabled, timeout_s| {
        let policy = IdlePolicy { enabled, timeout_s };
        let (world, worker, any) = (&world, &worker, &any);
        async move {
            let by = person();
            world.fleet.set_idle_policy(&by, &which(worker), any, &policy).await.unwrap();
        }
    };

    set(Some(false), None).await;
    assert_eq!(verdict(&detect(&world, &worker).await), Verdict::Disabled);
    set(None, Some(6 * 3_600)).await;
    assert_eq!(verdict(&detect(&world, &worker).await), Verdict::Active);
    set(None, None).await;
    world.sim.cloud().tag(instance(&worker), "ccm:idle", Some("never")).unwrap();
    world.sweep(1).await;
    assert_eq!(verdict(&detect(&world, &worker).await), Verdict::Disabled);
    world.sim.cloud().tag(instance(&worker), "ccm:idle", None).unwrap();
    world.sweep(1).await;
    world.set(|spec| spec.idle.enabled = false).await;
    assert_eq!(verdict(&detect(&world, &worker).await), Verdict::Disabled);
    assert!(world.worker(worker.id).await.open_power().is_none());
    world.set(|spec| spec.idle.enabled = true).await;
    assert_eq!(verdict(&detect(&world, &worker).await), Verdict::Idle);
}

#[tokio::test]
async fn a_worker_at_which_somebody_works_is_not_paused_on_the_way() {
    let (world, worker) = unused().await;
    detect(&world, &worker).await;
    world.clock.advance(2 * HOUR);
    let op = world.op();
    world.fleet.request_deregistration(&person(), &which(&worker), op).await.unwrap();

    let busy = detect(&world, &worker).await;

    assert_eq!(verdict(&busy), Verdict::Idle);
    assert!(busy.open_power().is_none() && busy.open_license().is_some());
    world.drive(&world.ops(1), worker.id, Duration::from_secs(120)).await;
    assert!(detect(&world, &worker).await.open_power().is_some());
}
