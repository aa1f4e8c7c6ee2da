//! Once and in order.

use futures_util::StreamExt;

use super::{PATIENCE, World, append, batch, ephemeral, events, hear_until, next, seqs};
use crate::{BusError, Heard};

/// What was told before is history.
pub async fn a_subscriber_hears_what_is_told_from_then_on(world: &dyn World) {
    append(world, 1..=2).await;

    let mut heard = world.feed().subscribe().await.unwrap();
    append(world, 3..=4).await;

    assert_eq!(hear_until(&mut heard, 4).await, events(3..=4));
}

/// All hear the same.
pub async fn every_subscriber_hears_every_event_in_order(world: &dyn World) {
    let mut one = world.feed().subscribe().await.unwrap();
    let mut other = world.feed().subscribe().await.unwrap();

    append(world, 1..=1).await;
    append(world, 2..=5).await;

    assert_eq!(hear_until(&mut one, 5).await, events(1..=5));
    assert_eq!(hear_until(&mut other, 5).await, events(1..=5));
}

/// Subscriptions end by being dropped.
pub async fn a_subscriber_that_leaves_disturbs_nobody(world: &dyn World) {
    let leaving = world.feed().subscribe().await.unwrap();
    let mut staying = world.feed().subscribe().await.unwrap();

    append(world, 1..=1).await;
    drop(leaving);
    append(world, 2..=2).await;

    assert_eq!(hear_until(&mut staying, 2).await, events(1..=2));
}

/// So a relay may repeat what it is not sure of.
pub async fn events_that_the_bus_has_are_skipped(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();
    append(world, 1..=3).await;

    append(world, 1..=3).await;
    append(world, 2..=5).await;

    assert_eq!(hear_until(&mut heard, 5).await, events(1..=5));
    assert_eq!(seqs(&world.feed().history(0, 10).await.unwrap()), [1, 2, 3, 4, 5]);
}

/// The refusal says where to read the log from.
pub async fn an_append_behind_a_hole_is_refused(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();
    append(world, 1..=2).await;

    let refused = world.publisher().append(&batch(4..=5)).await;

    assert!(matches!(refused, Err(BusError::OutOfOrder(2))), "{refused:?}");
    assert_eq!(world.publisher().last().await.unwrap(), 2);
    append(world, 3..=3).await;
    assert_eq!(hear_until(&mut heard, 3).await, events(1..=3));
}

/// What stands before the hole is told.
pub async fn a_hole_inside_a_batch_ends_it(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();

    let refused = world.publisher().append(&batch([1, 2, 4])).await;

    assert!(matches!(refused, Err(BusError::OutOfOrder(2))), "{refused:?}");
    append(world, 3..=4).await;
    assert_eq!(hear_until(&mut heard, 4).await, events(1..=4));
}

/// However many pieces it takes.
pub async fn a_large_batch_is_kept_whole_and_in_order(world: &dyn World) {
    let (least, _) = world.history();
    let last = least as u64;

    append(world, 1..=last).await;

    assert_eq!(world.publisher().last().await.unwrap(), last);
    let kept = seqs(&world.feed().history(0, least).await.unwrap());
    assert!(kept.iter().copied().eq(1..=last), "{} of {last} kept", kept.len());
}

/// A relay that has nothing to tell may say so.
pub async fn an_append_of_nothing_changes_nothing(world: &dyn World) {
    append(world, []).await;
    assert_eq!(world.feed().kept().await.unwrap(), None);
    append(world, 3..=4).await;

    append(world, []).await;

    assert_eq!(world.feed().kept().await.unwrap(), Some((3, 4)));
}

/// After a loss the bus begins where the log is.
pub async fn an_empty_bus_takes_any_first_event(world: &dyn World) {
    assert_eq!(world.publisher().last().await.unwrap(), 0);

    append(world, 4711..=4712).await;

    assert_eq!(world.publisher().last().await.unwrap(), 4712);
    assert_eq!(world.feed().kept().await.unwrap(), Some((4711, 4712)));
}

/// Whoever listens must know that numbers may come again, or be missing.
pub async fn a_cleared_bus_tells_of_the_gap_and_takes_any_event(world: &dyn World) {
    append(world, 1..=9).await;
    let mut heard = world.feed().subscribe().await.unwrap();

    world.publisher().clear().await.unwrap();

    assert_eq!(next(&mut heard).await, Heard::Gap);
    assert_eq!(world.publisher().last().await.unwrap(), 0);
    assert_eq!(world.feed().kept().await.unwrap(), None);
    append(world, 5..=6).await;
    assert_eq!(hear_until(&mut heard, 6).await, events(5..=6));
}

/// Two relays at once do no harm.
pub async fn publishers_that_repeat_each_other_publish_once(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();
    let one_by_one = async {
        for seq in 1..=50 {
            // Behind the other one it is refused or skipped; both are harmless.
            let _ = world.publisher().append(&batch([seq])).await;
            tokio::task::yield_now().await;
        }
    };
    let in_batches = async {
        for first in (1..=50).step_by(5) {
            append(world, first..first + 5).await;
            tokio::task::yield_now().await;
        }
    };

    tokio::join!(one_by_one, in_batches);

    assert_eq!(hear_until(&mut heard, 50).await, events(1..=50));
}

/// They have no place in the order.
pub async fn ephemeral_events_are_heard_and_kept_nowhere(world: &dyn World) {
    let mut heard = world.feed().subscribe().await.unwrap();
    append(world, 1..=1).await;

    world.publisher().tell(&ephemeral(7)).await.unwrap();

    assert_eq!(next(&mut heard).await, events([1])[0]);
    assert_eq!(next(&mut heard).await, Heard::Event(ephemeral(7)));
    assert_eq!(world.publisher().last().await.unwrap(), 1);
    assert_eq!(seqs(&world.feed().history(0, 10).await.unwrap()), [1]);
}

/// Nothing is lost silently; afterwards the subscription goes on.
pub async fn a_flooded_subscriber_hears_of_the_gap(world: &dyn World) {
    let mut slow = world.feed().subscribe().await.unwrap();
    let flood = world.flood() as u64;
    for first in (1..=flood).step_by(100) {
        append(world, first..=(first + 99).min(flood)).await;
    }

    let mut expected = 1;
    let mut gap = false;
    loop {
        match tokio::time::timeout(PATIENCE, slow.next()).await {
            Ok(Some(Heard::Gap)) => gap = true,
            Ok(Some(Heard::Event(event))) => {
                let seq = event.seq.unwrap();
                assert!(seq == expected || gap, "{expected}..{seq} was lost silently");
                assert!(seq >= expected, "{seq} after {expected}");
                gap = false;
                expected = seq + 1;
                if seq == flood {
                    break;
                }
            }
            Ok(None) => panic!("the stream ended"),
            Err(_) if gap => break,
            Err(_) => panic!("{expected}.. was lost silently"),
        }
    }
    append(world, [flood + 1]).await;
    assert_eq!(hear_until(&mut slow, flood + 1).await.pop(), events([flood + 1]).pop());
}
