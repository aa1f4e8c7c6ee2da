//! What every lease store must do: one holder an epoch, and no epoch twice.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use std::collections::BTreeSet;

use ccm_domain::Epoch;
use futures_util::future::join_all;

use super::store::World;
use crate::{LeaseRecord, LeaseRole, StoreError};

const ROLE: LeaseRole = LeaseRole::Scheduler;

/// Stamps the suite out as tests; takes an expression that makes a fresh
/// [`World`](crate::contract::store::World), `.await` allowed.
#[macro_export]
macro_rules! lease_contract {
    ($world:expr) => {
        $crate::lease_contract! { @each $world;
            before_the_first_leader_there_is_no_lease
            the_first_leader_gets_epoch_one
            who_saw_no_lease_takes_none_over
            a_take_over_begins_the_next_epoch
            a_renewal_is_seen_and_defeats_a_take_over
            who_does_not_hold_the_lease_cannot_renew_or_release_it
            a_released_lease_is_taken_over
            a_lease_given_back_is_not_renewed
            releasing_twice_is_harmless
            roles_have_leases_of_their_own
            of_many_candidates_one_takes_over
            no_epoch_is_held_twice
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::lease::$name(&world).await;
            }
        )*
    };
}

async fn seen(world: &dyn World) -> Option<LeaseRecord> {
    world.leases().read(ROLE).await.unwrap()
}

async fn take(world: &dyn World, holder: &str) -> Epoch {
    let seen = seen(world).await;
    world.leases().take(ROLE, seen.as_ref(), holder).await.unwrap()
}

fn assert_stale(outcome: &Result<(), StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Stale)), "{outcome:?}");
}

/// Reading makes nothing.
pub async fn before_the_first_leader_there_is_no_lease(world: &dyn World) {
    assert_eq!(seen(world).await, None);
    assert_eq!(seen(world).await, None);
}

/// Epochs begin above the guard of a document that nobody sealed.
pub async fn the_first_leader_gets_epoch_one(world: &dyn World) {
    let epoch = world.leases().take(ROLE, None, "a").await.unwrap();

    assert_eq!(epoch, Epoch(1));
    let expected =
        LeaseRecord { role: ROLE, epoch, holder: "a".to_owned(), renewals: 0, released: false };
    assert_eq!(seen(world).await, Some(expected));
}

/// It looked before the first leader came.
pub async fn who_saw_no_lease_takes_none_over(world: &dyn World) {
    take(world, "a").await;

    let err = world.leases().take(ROLE, None, "b").await.unwrap_err();

    assert!(matches!(err, StoreError::Conflict), "{err:?}");
    assert_eq!(seen(world).await.unwrap().holder, "a");
}

/// From exactly what was seen.
pub async fn a_take_over_begins_the_next_epoch(world: &dyn World) {
    take(world, "a").await;
    let before = seen(world).await;

    let epoch = world.leases().take(ROLE, before.as_ref(), "b").await.unwrap();

    assert_eq!(epoch, Epoch(2));
    let after = seen(world).await.unwrap();
    assert_eq!((after.epoch, &*after.holder, after.released), (Epoch(2), "b", false));
    let err = world.leases().take(ROLE, before.as_ref(), "c").await.unwrap_err();
    assert!(matches!(err, StoreError::Conflict), "{err:?}");
}

/// The holder lives: what the candidate saw is not what is there.
pub async fn a_renewal_is_seen_and_defeats_a_take_over(world: &dyn World) {
    let epoch = take(world, "a").await;
    let before = seen(world).await.unwrap();

    world.leases().renew(ROLE, epoch).await.unwrap();

    let err = world.leases().take(ROLE, Some(&before), "b").await.unwrap_err();
    assert!(matches!(err, StoreError::Conflict), "{err:?}");
    let after = seen(world).await.unwrap();
    assert_eq!((after.epoch, &*after.holder), (epoch, "a"));
    assert!(after.renewals > before.renewals);
}

/// Neither the one before nor one that never was; and the holder does not notice.
pub async fn who_does_not_hold_the_lease_cannot_renew_or_release_it(world: &dyn World) {
    assert_stale(&world.leases().renew(ROLE, Epoch(1)).await);
    assert_stale(&world.leases().release(ROLE, Epoch(1)).await);
    let old = take(world, "a").await;
    take(world, "b").await;
    let before = seen(world).await;

    for epoch in [Epoch(0), old, Epoch(3)] {
        assert_stale(&world.leases().renew(ROLE, epoch).await);
        assert_stale(&world.leases().release(ROLE, epoch).await);
    }
    assert_eq!(seen(world).await, before);
}

/// Nobody has to wait for a lease that was given back.
pub async fn a_released_lease_is_taken_over(world: &dyn World) {
    let first = take(world, "a").await;
    world.leases().renew(ROLE, first).await.unwrap();

    world.leases().release(ROLE, first).await.unwrap();

    let released = seen(world).await.unwrap();
    assert!(released.released);
    let second = world.leases().take(ROLE, Some(&released), "b").await.unwrap();
    assert!(second > first);
    assert!(!seen(world).await.unwrap().released);
}

/// A renewal on its way while the lease is given back does not take it again.
pub async fn a_lease_given_back_is_not_renewed(world: &dyn World) {
    let epoch = take(world, "a").await;
    world.leases().release(ROLE, epoch).await.unwrap();

    assert_stale(&world.leases().renew(ROLE, epoch).await);

    assert!(seen(world).await.unwrap().released);
}

/// An answer may be lost.
pub async fn releasing_twice_is_harmless(world: &dyn World) {
    let epoch = take(world, "a").await;
    world.leases().release(ROLE, epoch).await.unwrap();
    let before = seen(world).await;

    world.leases().release(ROLE, epoch).await.unwrap();

    assert_eq!(seen(world).await, before);
}

/// One process may relay while another schedules.
pub async fn roles_have_leases_of_their_own(world: &dyn World) {
    take(world, "a").await;
    take(world, "b").await;

    let epoch = world.leases().take(LeaseRole::Relay, None, "c").await.unwrap();
    world.leases().release(LeaseRole::Relay, epoch).await.unwrap();

    assert_eq!(epoch, Epoch(1));
    let scheduler = seen(world).await.unwrap();
    assert_eq!((scheduler.epoch, &*scheduler.holder, scheduler.released), (Epoch(2), "b", false));
}

/// They all saw the same and tried at the same moment.
pub async fn of_many_candidates_one_takes_over(world: &dyn World) {
    for round in 1..=5 {
        let seen = seen(world).await;
        let candidate = |nth: usize| {
            let seen = seen.clone();
            async move {
                let holder = format!("candidate-{nth}");
                world.leases().take(ROLE, seen.as_ref(), &holder).await
            }
        };

        let outcomes = join_all((0..16).map(candidate)).await;

        let lost = |outcome: &&_| matches!(outcome, Err(StoreError::Conflict));
        assert_eq!(outcomes.iter().filter(lost).count(), 15);
        assert!(outcomes.iter().any(|won| matches!(won, Ok(Epoch(epoch)) if *epoch == round)));
    }
}

/// Over a history of take-overs, renewals and releases that race.
pub async fn no_epoch_is_held_twice(world: &dyn World) {
    let candidate = |nth: usize| async move {
        let mut held = Vec::new();
        for _ in 0..20 {
            let seen = seen(world).await;
            let holder = format!("candidate-{nth}");
            if let Ok(epoch) = world.leases().take(ROLE, seen.as_ref(), &holder).await {
                held.push(epoch);
                let renewed = world.leases().renew(ROLE, epoch).await;
                let released = world.leases().release(ROLE, epoch).await;
                // Whoever was deposed before its release was so for good.
                assert!(renewed.is_ok() || released.is_err());
            }
        }
        held
    };

    let held: Vec<Epoch> = join_all((0..6).map(candidate)).await.concat();

    let distinct: BTreeSet<_> = held.iter().copied().collect();
    assert_eq!(distinct.len(), held.len());
    let expected: BTreeSet<_> = (1..=seen(world).await.unwrap().epoch.0).map(Epoch).collect();
    assert_eq!(distinct, expected);
}
