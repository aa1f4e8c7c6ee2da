//! What the bus keeps for those who come back.

use super::{World, append, hear_until, seqs};
use crate::Heard;

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
