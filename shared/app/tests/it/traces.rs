//! A wish and all that comes of it are one trace, whoever sees it come.

use ccm_app::Sight;
use ccm_domain::WorkerState;
use ccm_events::Kind;
use ccm_telemetry::propagate;

use crate::world::{MINUTE, SECOND, World, person, which};

const CLICK: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SWEEP: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn what_a_sweep_sees_of_a_wish_belongs_to_the_wish() {
    let world = World::fleet_of(4).await;
    let worker = world.stopped().await;
    let (ask, which, op) = (person(), which(&worker), world.op());
    propagate::within(Some(CLICK), world.fleet.request_start(&ask, &which, op)).await.unwrap();
    world.ops(1).reconcile(worker.id, Sight::Old).await.unwrap();
    let before = world.told(worker.id, Kind::WorkerStateChanged).await.len();

    while world.worker(worker.id).await.state() != WorkerState::Running {
        world.clock.advance(SECOND);
        propagate::within(Some(SWEEP), world.sweep(1)).await;
    }

    let told = world.told(worker.id, Kind::WorkerStateChanged).await.split_off(before);
    assert!(!told.is_empty());
    for change in told {
        assert_eq!(change.traceparent.as_deref(), Some(CLICK), "{change:?}");
    }
}

#[tokio::test]
async fn what_nobody_wished_for_belongs_to_the_sweep_that_saw_it() {
    let world = World::fleet_of(4).await;
    let worker = world.serving().await;
    let before = world.told(worker.id, Kind::WorkerStateChanged).await.len();
    world.sim.cloud().stop_as_console(worker.instance_id().unwrap()).unwrap();
    world.clock.advance(MINUTE);

    propagate::within(Some(SWEEP), world.sweep(1)).await;

    let told = world.told(worker.id, Kind::WorkerStateChanged).await.split_off(before);
    assert!(!told.is_empty());
    assert!(told.iter().all(|it| it.traceparent.as_deref() == Some(SWEEP)), "{told:#?}");
}

#[tokio::test]
async fn the_change_that_ends_an_operation_belongs_to_it_still() {
    let world = World::fleet_of(4).await;
    let worker = world.stopped().await;
    let (ask, which, op) = (person(), which(&worker), world.op());
    propagate::within(Some(CLICK), world.fleet.request_start(&ask, &which, op)).await.unwrap();

    let ops = world.ops(1);
    let up = propagate::within(Some(SWEEP), world.drive(&ops, worker.id, 10 * MINUTE)).await;

    assert!(up.open_power().is_none());
    let last = world.told(worker.id, Kind::WorkerOperationChanged).await.pop().unwrap();
    assert_eq!(last.traceparent.as_deref(), Some(CLICK), "{last:?}");
}
