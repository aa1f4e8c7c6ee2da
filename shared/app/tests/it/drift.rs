//! What others do to instances is noticed within one sweep and told with AWS's words.

use ccm_domain::WorkerState;
use ccm_domain::worker::{OperationState, Power, PowerReason, Service};
use ccm_events::Kind;

use crate::world::{MINUTE, World, ended, instance, person, which};

#[tokio::test]
async fn a_stop_at_the_console_is_a_pause_from_outside_with_awss_reason() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    world.sim.cloud().stop_as_console(instance(&worker)).unwrap();

    world.sweep(1).await;
    let seen = world.worker(worker.id).await;
    assert_eq!(seen.state(), WorkerState::Stopping);
    let paused = seen.status.power.paused.as_ref().unwrap();
    assert_eq!(paused.reason, PowerReason::External);
    assert!(paused.by.contains("User initiated"), "{paused:?}");
    assert!(seen.status.drift.as_ref().unwrap().detail.contains("stopped from outside"));

    world.clock.advance(MINUTE);
    world.sweep(1).await;
    let down = world.worker(worker.id).await;
    assert_eq!((down.state(), down.status.service), (WorkerState::Stopped, Service::Unavailable));
    // What is wanted stays; nobody is overruled by the next reconciliation.
    assert_eq!(down.spec.power, Power::On);
    world.drive(&world.ops(1), worker.id, MINUTE).await;
    assert_eq!(world.worker(worker.id).await.state(), WorkerState::Stopped);
    assert_eq!(world.told(worker.id, Kind::WorkerPaused).await.len(), 1);
}

#[tokio::test]
async fn a_start_at_the_console_is_a_resume_from_outside_and_ours_ends_the_drift() {
    let world = World::fleet_of(3).await;
    let worker = world.stopped().await;
    world.sim.cloud().start_as_console(instance(&worker)).unwrap();
    world.clock.advance(MINUTE);
    world.sweep(1).await;

    let seen = world.worker(worker.id).await;
    assert_eq!(seen.state(), WorkerState::Running);
    assert_eq!(seen.status.power.resumed.as_ref().unwrap().reason, PowerReason::External);
    assert!(seen.status.drift.is_some());

    world.fleet.request_stop(&person(), &which(&worker), world.op()).await.unwrap();
    world.drive(&world.ops(1), worker.id, 5 * MINUTE).await;
    world.fleet.request_start(&person(), &which(&worker), world.op()).await.unwrap();
    let ours = world.drive(&world.ops(1), worker.id, 10 * MINUTE).await;
    assert_eq!(ours.status.drift, None);
}

#[tokio::test]
async fn a_termination_at_the_console_ends_what_was_under_way() {
    let world = World::fleet_of(3).await;
    let worker = world.stopped().await;
    world.fleet.request_start(&person(), &which(&worker), world.op()).await.unwrap();
    world.ops(1).reconcile(worker.id, ccm_app::Sight::Old).await.unwrap();
    world.sim.cloud().terminate_as_console(instance(&worker)).unwrap();
    world.clock.advance(MINUTE);

    world.sweep(1).await;

    let gone = world.worker(worker.id).await;
    assert_eq!(gone.state(), WorkerState::Terminated);
    let failed = ended(&gone, OperationState::Failed);
    assert!(failed.reason.as_ref().unwrap().contains("outside"), "{failed:#?}");
}

#[tokio::test]
async fn another_type_other_tags_and_another_address_are_seen() {
    let world = World::fleet_of(3).await;
    let worker = world.stopped().await;
    world.sim.cloud().change_type(instance(&worker), &"m5zn.metal".parse().unwrap()).unwrap();
    world.sim.cloud().tag(instance(&worker), "team", Some("night shift")).unwrap();

    world.sweep(1).await;

    let seen = world.worker(worker.id).await;
    let drift = seen.status.drift.unwrap();
    assert_eq!(drift.what, "instance_type");
    assert!(drift.detail.contains("m5zn.metal"), "{drift:?}");
    assert_eq!(seen.status.tags["team"], "night shift");
    assert_eq!(world.told(worker.id, Kind::WorkerTagsChanged).await.len(), 1);
}

#[tokio::test]
async fn a_sweep_that_shows_what_is_known_writes_nothing() {
    let world = World::fleet_of(6).await;
    world.sweep(1).await;
    let before = world.workers().await;

    let report = world.sweep(1).await;

    assert_eq!(report.get("changed"), 0);
    assert_eq!(world.workers().await, before);
}

#[tokio::test]
async fn a_region_that_is_down_changes_nothing_about_its_workers() {
    let world = World::fleet_of(12).await;
    let before = world.workers().await;
    let down = world.remotes.scopes[0].clone();
    world.sim.cloud().faults(|faults| {
        faults.regions_down.insert(down.region.clone());
    });

    for _ in 0..5 {
        world.clock.advance(MINUTE);
        assert!(world.ops(1).observe_scope(&down).await.is_err());
    }

    for worker in before.into_iter().filter(|w| w.scope == down) {
        assert_eq!(world.worker(worker.id).await, worker);
    }
}
