//! Redis loses what it had; the log has it.

use std::time::Duration;

use ccm_ports::{BusError, EventFeed, EventPublisher, Heard};
use futures_util::{FutureExt, StreamExt};

use super::follower::Log;
use super::server::Server;
use super::world::{PATIENCE, bus, event, hear, limits, log, next, until_ok, until_well};

#[tokio::test]
async fn a_log_that_was_lost_is_noticed_at_the_next_append() {
    let server = Server::start();
    let bus = bus(&server.url());
    bus.append(&log(1..=7)).await.unwrap();
    server.ask::<()>(&["FLUSHALL"]);

    let refused = bus.append(&log([8])).await;

    assert!(matches!(refused, Err(BusError::OutOfOrder(0))), "{refused:?}");
    assert_eq!(bus.kept().await.unwrap(), None);
    bus.append(&log(3..=8)).await.unwrap();
    assert_eq!(bus.history(0, 100).await.unwrap(), log(3..=8));
}

#[tokio::test]
async fn a_log_that_lost_its_tail_says_where_it_is_and_takes_it_again() {
    let server = Server::start();
    let bus = bus(&server.url());
    bus.append(&log(1..=7)).await.unwrap();
    for entry in ["6-0", "7-0"] {
        server.ask::<()>(&["XDEL", "ccm:{main}:log", entry]);
    }

    let refused = bus.append(&log([8])).await;

    assert!(matches!(refused, Err(BusError::OutOfOrder(5))), "{refused:?}");
    bus.append(&log(6..=8)).await.unwrap();
    assert_eq!(bus.history(0, 10).await.unwrap(), log(1..=8));
}

#[tokio::test]
async fn a_log_that_somebody_emptied_takes_the_same_numbers_again() {
    let server = Server::start();
    let bus = bus(&server.url());
    bus.append(&log(1..=7)).await.unwrap();
    server.ask::<()>(&["XTRIM", "ccm:{main}:log", "MAXLEN", "0"]);
    assert_eq!(bus.last().await.unwrap(), 0);

    bus.append(&log(4..=8)).await.unwrap();

    assert_eq!(bus.kept().await.unwrap(), Some((4, 8)));
}

#[tokio::test]
async fn what_the_server_cannot_keep_is_refused_and_told_to_nobody() {
    let server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=7)).await.unwrap();
    hear(&mut heard, 7).await;
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);

    let refused = bus.append(&log([8])).await.unwrap_err();

    assert!(format!("{refused:?}").contains("OOM"), "{refused:?}");
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    bus.append(&log([8])).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Event(log([8]).remove(0)));
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_given_them_again() {
    let server = Server::start();
    let bus = bus(&server.url());
    bus.append(&log(1..=2)).await.unwrap();
    server.ask::<()>(&["SCRIPT", "FLUSH"]);

    bus.append(&log(3..=4)).await.unwrap();

    assert_eq!(bus.kept().await.unwrap(), Some((1, 4)));
}

#[tokio::test]
async fn a_subscriber_hears_that_the_log_was_lost_though_nothing_is_told() {
    let server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=7)).await.unwrap();
    hear(&mut heard, 7).await;

    server.ask::<()>(&["FLUSHALL"]);

    let told = tokio::time::timeout(Duration::from_secs(5), next(&mut heard)).await;
    assert_eq!(told.unwrap(), Heard::Gap);
}

#[tokio::test]
async fn a_subscriber_hears_that_the_last_event_was_lost_on_its_way() {
    let server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=7)).await.unwrap();
    hear(&mut heard, 7).await;

    // Logged, and told to nobody.
    server.ask::<()>(&["XADD", "ccm:{main}:log", "8-0", "event", "{}"]);

    let told = tokio::time::timeout(Duration::from_secs(5), next(&mut heard)).await;
    assert_eq!(told.unwrap(), Heard::Gap);
    server.ask::<()>(&["XDEL", "ccm:{main}:log", "8-0"]);
    bus.append(&log([8])).await.unwrap();
    hear(&mut heard, 8).await;
}

#[tokio::test]
async fn everything_is_flushed_under_load_and_nobody_loses_anything() {
    const LAST: u64 = 4_000;
    let server = Server::start();
    let (relay, api) = (bus(&server.url()), bus(&server.url()));
    let store = Log::default();
    let commits = async {
        for nth in 1..=LAST / 10 {
            store.grow(10);
            if nth % 80 == 0 {
                server.ask::<()>(&["FLUSHALL"]);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };

    let all =
        async { tokio::join!(commits, store.publish(&relay, LAST), store.follow(&api, LAST)) };
    tokio::time::timeout(3 * PATIENCE, all).await.unwrap();

    let (oldest, last) = api.kept().await.unwrap().unwrap();
    assert_eq!(last, LAST);
    assert!(last - oldest + 1 >= limits().history as u64, "{oldest}..={last} is not refilled");
    assert_eq!(api.history(0, 10_000).await.unwrap(), log(oldest..=last));
}

#[tokio::test]
async fn a_server_restarts_under_load_and_nobody_loses_anything() {
    const LAST: u64 = 3_000;
    let mut server = Server::start();
    let (relay, api) = (bus(&server.url()), bus(&server.url()));
    let store = Log::default();
    let commits = async {
        for nth in 1..=LAST / 10 {
            store.grow(10);
            if nth == 100 {
                server.kill();
            }
            if nth == 150 {
                server.revive();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };

    let all =
        async { tokio::join!(commits, store.publish(&relay, LAST), store.follow(&api, LAST)) };
    let ((), (), gaps) = tokio::time::timeout(3 * PATIENCE, all).await.unwrap();

    assert!(gaps > 0, "the subscription was cut without a gap");
    let (oldest, last) = until_ok(async || api.kept().await).await.unwrap();
    assert_eq!(last, LAST);
    assert_eq!(api.history(0, 10_000).await.unwrap(), log(oldest..=last));
    until_well(&api, true).await;
}

#[tokio::test]
async fn two_publishers_race_and_everybody_hears_each_event_once_and_in_order() {
    const LAST: u64 = 2_000;
    let server = Server::start();
    let (one, other) = (bus(&server.url()), bus(&server.url()));
    let store = Log::default();
    store.grow(LAST);
    let mut heard = one.subscribe().await.unwrap();
    let listen = async {
        let mut seqs = Vec::new();
        while seqs.last() != Some(&LAST) {
            match next(&mut heard).await {
                Heard::Event(event) => seqs.push(event.seq.unwrap()),
                Heard::Gap => panic!("a gap behind {:?}", seqs.last()),
            }
        }
        seqs
    };

    let all =
        async { tokio::join!(store.publish(&one, LAST), store.publish(&other, LAST), listen) };
    let ((), (), seqs) = tokio::time::timeout(PATIENCE, all).await.unwrap();

    assert!(seqs.iter().copied().eq(1..=LAST), "{} of {LAST}, or in another order", seqs.len());
}

#[tokio::test]
async fn a_slow_subscriber_costs_neither_us_nor_the_server_and_hears_one_gap() {
    const LAST: u64 = 3_000;
    let server = Server::start();
    let bus = bus(&server.url());
    let mut slow = bus.subscribe().await.unwrap();
    let mut quick = bus.subscribe().await.unwrap();
    let text = "x".repeat(2_000);
    let publish = async {
        for first in (1..=LAST).step_by(100) {
            let events: Vec<_> = (first..first + 100).map(|seq| event(seq, &text)).collect();
            bus.append(&events).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    // When the quick one has heard the last, it has been told to the slow one too.
    tokio::join!(publish, hear(&mut quick, LAST));

    let mut told = Vec::new();
    while !matches!(told.last(), Some(Heard::Event(event)) if event.seq == Some(LAST)) {
        told.push(next(&mut slow).await);
    }

    let gaps = told.iter().filter(|heard| **heard == Heard::Gap).count();
    assert_eq!((gaps, &told[0]), (1, &Heard::Gap));
    assert!(told.len() <= limits().backlog, "{} were kept", told.len());
    let clients: String = server.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    assert_eq!(clients.matches(" omem=0 ").count(), 2, "{clients}");
    bus.append(&[event(LAST + 1, "")]).await.unwrap();
    hear(&mut slow, LAST + 1).await;
    assert_eq!(slow.next().now_or_never(), None);
}
