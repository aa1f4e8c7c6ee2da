//! What every store of samples must do.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use ccm_domain::{Timestamp, WorkerId};

use super::store::World;
use crate::Sample;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// A full hour.
const NOON: i64 = 1_700_000_000_000 - 1_700_000_000_000 % HOUR;

/// Stamps the suite out as tests; takes an expression that makes a fresh
/// [`World`](crate::contract::store::World), `.await` allowed.
#[macro_export]
macro_rules! samples_contract {
    ($world:expr) => {
        $crate::samples_contract! { @each $world;
            samples_read_back_oldest_first
            a_range_includes_its_begin_and_not_its_end
            a_range_is_bounded
            a_sample_of_the_same_moment_is_replaced
            workers_have_samples_of_their_own
            a_forgotten_worker_has_no_samples
            thinning_keeps_the_first_of_each_hour
            thinning_twice_is_harmless
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::samples::$name(&world).await;
            }
        )*
    };
}

fn worker(n: u8) -> WorkerId {
    format!("01900000-0000-7000-8000-0000000000{n:02x}").parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn sample(millis: i64) -> Sample {
    Sample { at: at(millis), cpu: Some(12.5), memory: None, disk: Some(0.1), nodes: Some(7) }
}

async fn add(world: &dyn World, n: u8, moments: &[i64]) {
    for &millis in moments {
        world.samples().add(worker(n), sample(millis)).await.unwrap();
    }
}

async fn moments(world: &dyn World, n: u8) -> Vec<i64> {
    let all = world.samples().range(worker(n), at(0), at(i64::MAX), usize::MAX).await.unwrap();
    all.into_iter().map(|sample| sample.at.as_millis()).collect()
}

/// Whatever the order they came in, and with what was not told left open.
pub async fn samples_read_back_oldest_first(world: &dyn World) {
    let nothing = Sample { at: at(NOON), cpu: None, memory: None, disk: None, nodes: None };
    add(world, 1, &[NOON + 2 * MINUTE, NOON + MINUTE]).await;
    world.samples().add(worker(1), nothing).await.unwrap();

    let read = world.samples().range(worker(1), at(0), at(i64::MAX), 10).await.unwrap();

    assert_eq!(read, [nothing, sample(NOON + MINUTE), sample(NOON + 2 * MINUTE)]);
}

/// Ranges that touch share no sample.
pub async fn a_range_includes_its_begin_and_not_its_end(world: &dyn World) {
    add(world, 1, &[1, 2, 3, 4]).await;

    let read = world.samples().range(worker(1), at(2), at(4), 10).await.unwrap();

    assert_eq!(read, [sample(2), sample(3)]);
}

/// The oldest ones come first.
pub async fn a_range_is_bounded(world: &dyn World) {
    add(world, 1, &[1, 2, 3]).await;

    for limit in 0..4 {
        let read = world.samples().range(worker(1), at(0), at(9), limit).await.unwrap();

        assert_eq!(read.len(), limit);
        assert!(read.iter().zip(1..).all(|(read, millis)| *read == sample(millis)));
    }
}

/// Reading the same metrics twice counts once.
pub async fn a_sample_of_the_same_moment_is_replaced(world: &dyn World) {
    add(world, 1, &[1]).await;
    let later = Sample { cpu: None, nodes: Some(9), ..sample(1) };

    world.samples().add(worker(1), later).await.unwrap();

    let read = world.samples().range(worker(1), at(0), at(9), 10).await.unwrap();
    assert_eq!(read, [later]);
}

/// Even at the same moment.
pub async fn workers_have_samples_of_their_own(world: &dyn World) {
    add(world, 1, &[1, 2]).await;
    add(world, 2, &[2, 3]).await;

    assert_eq!(moments(world, 1).await, [1, 2]);
    assert_eq!(moments(world, 2).await, [2, 3]);
    assert_eq!(moments(world, 3).await, [0; 0]);
}

/// And nobody else's go with it.
pub async fn a_forgotten_worker_has_no_samples(world: &dyn World) {
    add(world, 1, &[1, 2]).await;
    add(world, 2, &[1, 2]).await;

    world.samples().forget(worker(1)).await.unwrap();
    world.samples().forget(worker(3)).await.unwrap();

    assert_eq!(moments(world, 1).await, [0; 0]);
    assert_eq!(moments(world, 2).await, [1, 2]);
}

/// Of each worker: fine ones stay, coarse ones are one an hour, the oldest go.
pub async fn thinning_keeps_the_first_of_each_hour(world: &dyn World) {
    let two_hours = [
        NOON,
        NOON + MINUTE,
        NOON + 59 * MINUTE,
        NOON + HOUR + 5 * MINUTE,
        NOON + HOUR + 6 * MINUTE,
    ];
    let fine = [NOON + 2 * HOUR, NOON + 2 * HOUR + MINUTE];
    add(world, 1, &[NOON - 2 * HOUR, NOON - 1]).await;
    add(world, 1, &two_hours).await;
    add(world, 1, &fine).await;
    add(world, 2, &[NOON + 7 * MINUTE, NOON + 8 * MINUTE]).await;

    let gone = world.samples().thin(at(NOON + 2 * HOUR), at(NOON)).await.unwrap();

    assert_eq!(gone, 2 + 3 + 1);
    let kept = [NOON, NOON + HOUR + 5 * MINUTE, fine[0], fine[1]];
    assert_eq!(moments(world, 1).await, kept);
    assert_eq!(moments(world, 2).await, [NOON + 7 * MINUTE]);
}

/// What was kept once is kept.
pub async fn thinning_twice_is_harmless(world: &dyn World) {
    add(world, 1, &[NOON + MINUTE, NOON + 2 * MINUTE, NOON + HOUR]).await;
    let thin = async || world.samples().thin(at(NOON + 9 * HOUR), at(0)).await.unwrap();

    assert_eq!((thin().await, thin().await), (1, 0));
    assert_eq!(moments(world, 1).await, [NOON + MINUTE, NOON + HOUR]);
}
