//! A relay that finds more than it moves at a time.

use std::sync::Arc;

use crate::desk::{Desk, Way};

#[tokio::test]
async fn while_more_waits_more_is_moved_at_once_and_then_a_batch_again() {
    let desk = Desk::new();
    desk.commit("a", 60).await;
    let mut outlet = desk.outlet(&Arc::default());

    let mut moved = Vec::new();
    loop {
        let told = outlet.pass().await.unwrap();
        moved.push(told.taken);
        if !told.more {
            break;
        }
    }
    desk.commit("b", 5).await;
    moved.push(outlet.pass().await.unwrap().taken);

    assert_eq!(moved, [3, 6, 12, 24, 15, 3]);
    desk.settle().await;
    desk.must_have_told_everything("a backlog").await;
}

#[tokio::test]
async fn a_look_ahead_that_fails_takes_nothing_from_what_was_moved() {
    let desk = Desk::new();
    desk.commit("a", 60).await;
    let mut outlet = desk.outlet(&Way::short_sighted());

    let first = outlet.pass().await.unwrap();
    let second = outlet.pass().await.unwrap();

    assert_eq!((first.logged, first.taken, first.more), (3, 3, true));
    assert_eq!((second.logged, second.taken, second.more), (6, 6, true));
    desk.settle().await;
    desk.must_have_told_everything("looks ahead fail").await;
}
