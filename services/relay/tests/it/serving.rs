//! A relay as part of a process.

use std::sync::Arc;
use std::time::Duration;

use ccm_app::Fleet;
use ccm_app::leadership::Standing;
use ccm_config::section::DrainSection;
use ccm_events::{Event, Kind};
use ccm_ports::{Bell, Chime, EventFeed, Heard, LeaseRole, SystemClock};
use ccm_relay::{Deps, Relay, RelayConfig};
use ccm_runtime::Shell;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::desk::Desk;
use crate::outside::eventually;

fn start(desk: &Desk, shell: &Shell, poll: Duration) -> Relay {
    let bus = Arc::new(desk.bus.clone());
    let fleet =
        Fleet { stores: desk.stores.clone(), clock: Arc::new(SystemClock), bell: bus.clone() };
    let deps = Deps { fleet, publisher: bus, holder: "test".to_owned() };
    ccm_relay::start(deps, RelayConfig { poll, ..RelayConfig::default() }, shell)
}

async fn next(heard: &mut BoxStream<'static, Heard>) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(5), heard.next()).await;
    match next.expect("something is heard").expect("the bus is open") {
        Heard::Event(event) => event,
        Heard::Gap => panic!("a gap"),
    }
}

#[tokio::test]
async fn what_is_committed_is_heard_at_the_bell() {
    let (desk, shell) = (Desk::new(), Shell::for_testing());
    let mut heard = desk.bus.subscribe().await.unwrap();
    // Without the bell the change would be told after the test has given up.
    start(&desk, &shell, Duration::from_secs(3600));
    let leader = next(&mut heard).await;
    assert_eq!((leader.seq, leader.kind), (Some(1), Kind::SystemLeaderChanged));

    desk.commit("a", 2).await;
    desk.bus.ring(Chime::Outbox).await;

    assert_eq!(next(&mut heard).await.seq, Some(2));
    assert_eq!(next(&mut heard).await.seq, Some(3));
    shell.stop(&DrainSection::for_testing()).await.unwrap();
}

#[tokio::test]
async fn the_leader_measures_what_waits_and_nobody_else_does() {
    let (desk, shell) = (Desk::new(), Shell::for_testing());
    desk.commit("a", 3).await;
    assert!(!shell.metrics.render().unwrap().contains("ccm_outbox_changes"));

    start(&desk, &shell, Duration::from_millis(20));

    let told =
        ["ccm_outbox_changes 0", "ccm_outbox_oldest_seconds 0", "ccm_relay_unpublished_events 0"];
    let has_all = |text: &String| told.iter().all(|line| text.lines().any(|it| it == *line));
    eventually("nothing waits", async || shell.metrics.render().unwrap(), has_all).await;
    let metrics = shell.metrics.clone();
    shell.stop(&DrainSection::for_testing()).await.unwrap();
    assert!(!metrics.render().unwrap().contains("ccm_outbox_changes"));
}

#[tokio::test]
async fn what_is_committed_is_heard_without_a_bell_too() {
    let (desk, shell) = (Desk::new(), Shell::for_testing());
    let mut heard = desk.bus.subscribe().await.unwrap();
    start(&desk, &shell, Duration::from_millis(20));
    next(&mut heard).await;

    desk.commit("a", 1).await;

    assert_eq!(next(&mut heard).await.seq, Some(2));
    shell.stop(&DrainSection::for_testing()).await.unwrap();
}

#[tokio::test]
async fn a_relay_that_stops_gives_the_lease_back_and_another_goes_on() {
    let desk = Desk::new();
    let (first, second) = (Shell::for_testing(), Shell::for_testing());
    let mut relay = start(&desk, &first, Duration::from_millis(20));
    let leads = |standing: &Standing| standing.leads().is_some();
    relay.standing.wait_for(leads).await.unwrap();
    let leading = first.metrics.render().unwrap();
    assert!(leading.contains("ccm_leader_epoch{role=\"relay\"} 1"), "{leading}");
    let mut other = start(&desk, &second, Duration::from_millis(20));

    first.stop(&DrainSection::for_testing()).await.unwrap();
    desk.commit("a", 1).await;
    let left = first.metrics.render().unwrap();
    assert!(left.contains("ccm_leader_epoch{role=\"relay\"} 0"), "{left}");
    let took_over = other.standing.wait_for(leads);
    tokio::time::timeout(Duration::from_secs(2), took_over).await.unwrap().unwrap();

    let mut heard = desk.bus.subscribe().await.unwrap();
    let history = desk.bus.history(0, 100).await.unwrap().len();
    for _ in history..3 {
        next(&mut heard).await;
    }
    let lease = desk.stores.leases.read(LeaseRole::Relay).await.unwrap().unwrap();
    assert_eq!((lease.epoch.0, lease.released), (2, false));
    second.stop(&DrainSection::for_testing()).await.unwrap();
}
