//! A bus that is not where the log is.

use std::sync::Arc;

use ccm_events::Event;
use ccm_ports::{EventFeed, EventPublisher, Heard};
use ccm_relay::{Outlet, Told};
use futures_util::StreamExt;

use crate::desk::{Desk, change};

async fn commits(desk: &Desk, count: usize) {
    for nth in 0..count {
        desk.commit(["a", "b", "c"][nth % 3], 1).await;
    }
}

#[tokio::test]
async fn a_bus_that_lost_everything_is_filled_again_with_the_same_numbers() {
    let desk = Desk::new();
    commits(&desk, 20).await;
    desk.settle().await;
    let before = desk.bus.history(0, 100).await.unwrap();
    let mut heard = desk.bus.subscribe().await.unwrap();

    desk.bus.clear().await.unwrap();
    desk.settle().await;

    assert_eq!(desk.bus.history(0, 100).await.unwrap(), before);
    assert_eq!(heard.next().await, Some(Heard::Gap));
    assert_eq!(heard.next().await, Some(Heard::Event(before[0].clone())));
}

#[tokio::test]
async fn an_idle_relay_notices_that_the_bus_lost_everything() {
    let desk = Desk::new();
    let mut outlet = desk.outlet(&Arc::default());
    commits(&desk, 3).await;
    outlet.pass().await.unwrap();

    desk.bus.clear().await.unwrap();
    let told = outlet.pass().await.unwrap();

    assert_eq!(told, Told::default());
    desk.must_have_told_everything("cleared while idle").await;
}

#[tokio::test]
async fn a_bus_of_another_log_is_replaced() {
    let desk = Desk::new();
    let foreign: Vec<_> = (1..=50).map(|seq| Event::logged(seq, &change("x", seq, 0))).collect();
    desk.bus.append(&foreign).await.unwrap();
    commits(&desk, 4).await;

    desk.settle().await;

    desk.must_have_told_everything("another log").await;
}

#[tokio::test]
async fn a_bus_behind_what_the_log_keeps_begins_anew() {
    let desk = Desk::new();
    commits(&desk, 2).await;
    desk.settle().await;
    // Another relay logged these while this bus was away, and the log was trimmed.
    let more: Vec<_> = (0..20).map(|nth| change("x", 1, nth)).collect();
    desk.stores.log.append(2, &more).await.unwrap();
    desk.stores.log.trim(11).await.unwrap();

    desk.settle().await;

    assert_eq!(desk.bus.kept().await.unwrap(), Some((11, 22)));
}

#[tokio::test]
async fn an_empty_bus_is_filled_with_the_last_events_only() {
    let desk = Desk::new();
    let many: Vec<_> = (0..2_000).map(|nth| change("x", 1, nth)).collect();
    desk.stores.log.append(0, &many).await.unwrap();
    let (outbox, log) = (Arc::clone(&desk.stores.outbox), Arc::clone(&desk.stores.log));
    let mut outlet = Outlet::new(outbox, log, Arc::new(desk.bus.clone()), 10, 700);

    outlet.pass().await.unwrap();

    assert_eq!(desk.bus.kept().await.unwrap(), Some((1301, 2000)));
}

#[tokio::test]
async fn a_log_that_was_trimmed_to_nothing_goes_on_where_it_was() {
    let desk = Desk::new();
    commits(&desk, 5).await;
    desk.settle().await;
    desk.stores.log.trim(6).await.unwrap();
    desk.bus.clear().await.unwrap();
    let mut outlet = desk.outlet(&Arc::default());
    outlet.pass().await.unwrap();

    commits(&desk, 1).await;
    outlet.pass().await.unwrap();

    assert_eq!(desk.bus.kept().await.unwrap(), Some((6, 6)));
}
