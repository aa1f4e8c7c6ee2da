//! Processes tell of themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use ccm_app::{Presence, Tally};
use tokio_util::sync::CancellationToken;

use crate::world::World;

fn scheduler(name: &str) -> Presence {
    Presence {
        name: name.to_owned(),
        roles: vec!["scheduler"],
        version: "1.2.3",
        commit: "abc",
        tally: Tally::new(),
    }
}

async fn well() -> BTreeMap<&'static str, String> {
    BTreeMap::from([("store", "ok".to_owned())])
}

async fn names(world: &World) -> Vec<String> {
    let all = world.fleet.processes().await.unwrap();
    all.into_iter().map(|present| present.process.name).collect()
}

#[tokio::test]
async fn two_processes_of_one_name_are_two_and_leave_one_by_one() {
    let world = World::new(0);
    let (first, second) = (CancellationToken::new(), CancellationToken::new());
    let mut one = Box::pin(world.fleet.stay_present(scheduler("twin"), &first, well));
    let mut other = Box::pin(world.fleet.stay_present(scheduler("twin"), &second, well));
    let both = async {
        while names(&world).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = &mut one => unreachable!("nobody told it to leave"),
        () = &mut other => unreachable!("nobody told it to leave"),
        () = both => {}
    }

    first.cancel();
    one.await;

    assert_eq!(names(&world).await, ["twin"]);
    second.cancel();
    other.await;
    assert!(names(&world).await.is_empty());
}

#[tokio::test]
async fn a_process_that_ends_without_a_word_is_lost() {
    let world = World::new(0);
    let leave = CancellationToken::new();
    let mut present = Box::pin(world.fleet.stay_present(scheduler("gone"), &leave, well));
    // Polled until it has told of itself once, then dropped as a crash would.
    let told = async {
        while world.fleet.processes().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { () = &mut present => unreachable!(), () = told => {} }
    drop(present);
    assert!(!world.fleet.processes().await.unwrap()[0].is_lost);

    world.clock.advance(Duration::from_secs(21));

    let all = world.fleet.processes().await.unwrap();
    assert!(all[0].is_lost && all[0].process.parts["store"] == "ok", "{all:?}");
}
