//! What the bus keeps for those who come back.

use super::{World, append, batch, hear_until, seqs};
use crate::{BusHealth, Heard};

/// Pages are asked for by the last number seen.
pub async fn history_is_read_in_order_and_in_pages(world: &dyn World) {
    append(world, 1..=7).await;

    let page = async |after, limit| seqs(&world.feed().history(after, limit).await.unwrap());

    assert_eq!(page(0, 3).await, [1, 2, 3]);
    assert_eq!(page(3, 3).await, [4, 5, 6]);
    assert_eq!(page(6, 3).await, [7]);
    assert_eq!(page(7, 3).await, [0; 0]);
    assert_eq!(page(9999, 3).await, [0; 0]);
}

/// Byte for byte: readers compare what they heard with what they read.
pub async fn history_returns_events_as_they_were_told(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();
    append(world, 1..=3).await;

    let kept = world.feed().history(0, 10).await.unwrap();

    assert_eq!(kept, batch(1..=3));
    let told = kept.into_iter().map(Heard::Event).collect::<Vec<_>>();
    assert_eq!(hear_until(&mut heard, 3).await, told);
}

/// Readiness is built on it.
pub async fn a_bus_that_is_heard_says_that_it_is_well(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();

    append(world, 1..=1).await;

    hear_until(&mut heard, 1).await;
    assert_eq!(*world.feed().health().borrow(), BusHealth::Well);
}

/// What is older stands in the log.
pub async fn history_is_bounded_and_tells_its_bounds(world: &dyn World) {
    assert_eq!(world.feed().kept().await.unwrap(), None);
    let (least, most) = world.history();
    let last = most as u64 + 10;
    for first in (1..=last).step_by(100) {
        append(world, first..=(first + 99).min(last)).await;
    }

    let (oldest, newest) = world.feed().kept().await.unwrap().unwrap();

    assert_eq!(newest, last);
    let kept = usize::try_from(newest - oldest + 1).unwrap();
    assert!((least..=most).contains(&kept), "{kept} kept, not {least} to {most}");
    let read = seqs(&world.feed().history(0, most + 10).await.unwrap());
    assert!(read.iter().copied().eq(oldest..=newest), "{read:?} is not {oldest}..={newest}");
    assert_eq!(world.publisher().last().await.unwrap(), last);
}

/// History and subscription overlap; there is no moment between them.
pub async fn whoever_subscribes_before_reading_history_misses_nothing(world: &dyn World) {
    const LAST: u64 = 60;
    let publish = async {
        for seq in 1..=LAST {
            append(world, [seq]).await;
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        while world.publisher().last().await.unwrap() < LAST / 3 {
            tokio::task::yield_now().await;
        }
        let mut live = world.feed().subscribe().await.unwrap();
        let mut all = seqs(&world.feed().history(0, 1000).await.unwrap());
        for heard in hear_until(&mut live, LAST).await {
            match heard {
                Heard::Event(event) => all.push(event.seq.unwrap()),
                Heard::Gap => panic!("a gap without a flood"),
            }
        }
        all
    };

    let ((), mut all) = tokio::join!(publish, read);

    all.sort_unstable();
    all.dedup();
    assert!(all.iter().copied().eq(1..=LAST), "{all:?}");
}
