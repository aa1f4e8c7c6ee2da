//! A relay that finds more than it moves at a time.

use std::sync::Arc;

use crate::desk::Desk;

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
