//! API and scheduler on the same worker at the same time.

use std::collections::BTreeSet;

use ccm_app::{Expected, FleetError, Sight, WorkerPatch};
use ccm_domain::worker::{OperationState, Power};
use ccm_domain::{DomainError, WorkerState};
use ccm_ports::StoreError;

use crate::world::{HOUR, MINUTE, SECOND, World, person, which};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_and_sights_of_one_worker_never_undo_each_other() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    let rounds = 40;

    let wishes = async {
        for n in 0..rounds {
            let patch = WorkerPatch { name: Some(format!("name-{n}")), ..WorkerPatch::default() };
            let by = person();
            world.fleet.change_worker(&by, &which(&worker), &Expected::Any, &patch).await.unwrap();
            world.fleet.extend_worker(&by, &which(&worker), HOUR).await.unwrap();
        }
    };
    let sights = async {
        for _ in 0..rounds {
            let known = world.worker(worker.id).await;
            world.ops(1).measure_worker(&known).await.unwrap();
            world.clock.advance(SECOND);
            world.sweep(1).await;
        }
    };
    tokio::join!(wishes, sights);

    let after = world.worker(worker.id).await;
    assert_eq!(after.name, format!("name-{}", rounds - 1));
    assert!(after.spec.extended_until.is_some());
    let measured = after.status.metrics.at.unwrap();
    assert!(world.now().since(measured) <= 2 * SECOND, "{measured}");
    // Every committed change is there once, and the revisions only grow.
    let pending = world.fleet.stores.outbox.pending(100_000).await.unwrap();
    let of_worker: Vec<_> = pending
        .into_iter()
        .filter(|p| p.key == worker.id.to_string())
        .flat_map(|p| p.changes)
        .collect();
    let ids: BTreeSet<_> = of_worker.iter().map(|change| &change.id).collect();
    assert_eq!(ids.len(), of_worker.len());
    let revs: Vec<_> = of_worker.iter().map(|c| c.data.value()["rev"].as_u64().unwrap()).collect();
    assert!(revs.is_sorted(), "{revs:?}");
    assert!(revs.len() >= rounds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_and_stops_from_all_sides_end_where_the_last_wish_points() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    let (by, target) = (person(), which(&worker));

    let people = async {
        for n in 0..20 {
            let asked = if n % 2 == 0 {
                world.fleet.request_stop(&by, &target, world.op()).await
            } else {
                world.fleet.request_start(&by, &target, world.op()).await
            };
            asked.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let leader = async {
        for _ in 0..60 {
            world.ops(1).reconcile(worker.id, Sight::Old).await.unwrap();
            world.clock.advance(SECOND);
        }
    };
    tokio::join!(people, leader);
    world.fleet.request_stop(&by, &target, world.op()).await.unwrap();
    let end = world.drive(&world.ops(1), worker.id, 10 * MINUTE).await;

    assert_eq!((end.state(), end.spec.power), (WorkerState::Stopped, Power::Off));
    assert!(end.operations.iter().all(|o| o.state != OperationState::Running), "{end:#?}");
}

#[tokio::test]
async fn of_two_people_with_the_same_revision_the_second_is_told() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    let seen = Expected::OneOf(vec![worker.spec_rev]);
    let patch = |name: &str| WorkerPatch { name: Some(name.to_owned()), ..WorkerPatch::default() };
    let (by, target) = (person(), which(&worker));
    let (first, second) = (patch("first"), patch("second"));
    // What the scheduler sees in between is no reason to refuse.
    world.clock.advance(MINUTE);
    world.ops(1).measure_worker(&worker).await.unwrap();

    world.fleet.change_worker(&by, &target, &seen, &first).await.unwrap();
    let refused = world.fleet.change_worker(&by, &target, &seen, &second).await.unwrap_err();

    assert!(matches!(refused, FleetError::Domain(DomainError::SpecChanged)), "{refused:?}");
    assert_eq!(world.worker(worker.id).await.name, "first");
}

#[tokio::test]
async fn a_deposed_leader_changes_no_worker_whatever_it_does() {
    let world = World::fleet_of(3).await;
    let worker = world.serving().await;
    world.seal(2).await;
    world.fleet.request_stop(&person(), &which(&worker), world.op()).await.unwrap();
    let before = world.workers().await;
    let old = world.ops(1);
    world.clock.advance(10 * MINUTE);

    let stale = |outcome: Result<(), FleetError>| {
        let err = outcome.unwrap_err();
        assert!(matches!(err, FleetError::Store(StoreError::Stale)), "{err:?}");
    };
    stale(old.measure_worker(&worker).await.map(drop));
    stale(old.refresh_labs(&worker).await.map(drop));
    let settings = world.fleet.settings().await.unwrap();
    stale(old.detect_activity(&worker, &settings).await.map(drop));
    stale(old.observe_scope(&worker.scope).await.map(drop));
    // What it asks of EC2 nobody can fence; what came of it is the next leader's to write.
    stale(old.reconcile(worker.id, Sight::Old).await.map(drop));

    assert_eq!(world.workers().await, before);
    let down = world.drive(&world.ops(2), worker.id, 10 * MINUTE).await;
    assert_eq!(down.state(), WorkerState::Stopped);
}
