//! The shortest way through everything: a fleet is found, watched and kept.

use ccm_domain::WorkerState;

use crate::world::{MINUTE, SECOND, World};

#[tokio::test]
async fn a_fresh_leader_finds_the_fleet_and_follows_it_until_it_serves() {
    let world = World::quiet(12);
    world.import_everything().await;
    let leader = world.leader(1).await;

    leader.settle().await;
    leader.engine.follow(true).await.unwrap();
    leader.pass(&world, 5 * MINUTE, 2 * SECOND).await;

    let workers = world.workers().await;
    assert_eq!(workers.len(), 12);
    let running = workers.iter().filter(|w| w.state() == WorkerState::Running);
    let serving = running.clone().filter(|w| w.is_reachable()).count();
    assert_eq!((running.count(), serving), (10, 10), "{workers:#?}");
    world.assert_runs_are_well().await;
}
