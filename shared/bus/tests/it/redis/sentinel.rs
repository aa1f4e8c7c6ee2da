//! A primary, a replica, and Sentinels that change their parts.

use std::time::{Duration, Instant};

use ccm_ports::{Bell, BusError, Chime, EventFeed, EventPublisher};

use super::follower::Log;
use super::server::Server;
use super::world::{PATIENCE, bus, gap, hear, log, until_ok, until_well};

struct Watched {
    primary: Server,
    _replica: Server,
    sentinels: Vec<Server>,
}

impl Watched {
    fn start() -> Self {
        let primary = Server::start();
        let replica = Server::with(&[&format!("replicaof 127.0.0.1 {}", primary.port())]);
        primary.wait_for(&["INFO", "replication"], "state=online");
        let monitor = format!("sentinel monitor ccm 127.0.0.1 {} 2", primary.port());
        let lines = [
            &*monitor,
            "sentinel down-after-milliseconds ccm 1000",
            "sentinel failover-timeout ccm 5000",
        ];
        let sentinels: Vec<_> = (0..3).map(|_| Server::with(&lines)).collect();
        for sentinel in &sentinels {
            sentinel.wait_for(&["INFO", "sentinel"], "slaves=1,sentinels=3");
        }
        Self { primary, _replica: replica, sentinels }
    }

    /// Makes the Sentinels name another primary, which the first one does not hear of.
    fn name(&self, other: &Server) {
        for sentinel in &self.sentinels {
            sentinel.ask::<()>(&["SENTINEL", "REMOVE", "ccm"]);
            let port = other.port().to_string();
            sentinel.ask::<()>(&["SENTINEL", "MONITOR", "ccm", "127.0.0.1", &port, "2"]);
        }
    }

    fn url(&self) -> String {
        let at = |sentinel: &Server| format!("127.0.0.1:{}", sentinel.port());
        let all: Vec<_> = self.sentinels.iter().map(at).collect();
        format!("redis-sentinel://{}/ccm", all.join(","))
    }
}

#[tokio::test]
async fn a_primary_dies_under_load_and_nobody_loses_anything() {
    const LAST: u64 = 2_000;
    let mut watched = Watched::start();
    let (relay, api) = (bus(&watched.url()), bus(&watched.url()));
    let store = Log::default();
    let commits = async {
        for nth in 1..=LAST / 10 {
            store.grow(10);
            if nth == 100 {
                watched.primary.kill();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };

    let began = Instant::now();
    let all =
        async { tokio::join!(commits, store.publish(&relay, LAST), store.follow(&api, LAST)) };
    let ((), (), gaps) = tokio::time::timeout(3 * PATIENCE, all).await.unwrap();
    println!("sentinel: {LAST} events over a failover in {:?}", began.elapsed());

    assert!(gaps > 0, "the subscription was cut without a gap");
    until_well(&api, true).await;
    let (oldest, last) = until_ok(async || api.kept().await).await.unwrap();
    assert_eq!(last, LAST);
    assert_eq!(api.history(0, 10_000).await.unwrap(), log(oldest..=last));
    relay.append(&log([LAST + 1])).await.unwrap();
}

/// A primary that is cut off from its Sentinels does not know that it is none any more.
#[tokio::test]
async fn a_primary_that_was_replaced_is_left_though_it_answers() {
    let watched = Watched::start();
    let (relay, api) = (bus(&watched.url()), bus(&watched.url()));
    let mut heard = api.subscribe().await.unwrap();
    // A process that only rings and listens notices too.
    let _bell = relay.listen(Chime::Outbox).await;
    relay.append(&log(1..=5)).await.unwrap();
    hear(&mut heard, 5).await;
    let other = Server::start();

    let began = Instant::now();
    watched.name(&other);

    gap(&mut heard).await;
    println!("sentinel: a replaced primary was left after {:?}", began.elapsed());
    until_well(&api, true).await;
    until_ok(async || match relay.append(&log([6])).await {
        Err(BusError::OutOfOrder(0)) => Ok(()),
        other => Err(other),
    })
    .await;
    println!("sentinel: commands followed after {:?}", began.elapsed());
    relay.append(&log(4..=6)).await.unwrap();
    hear(&mut heard, 6).await;
    assert_eq!(api.history(0, 10).await.unwrap(), log(4..=6));
    assert_eq!(other.ask::<u64>(&["XLEN", "ccm:{main}:log"]), 3);
}

#[tokio::test]
async fn a_sentinel_that_hangs_is_passed_over() {
    let watched = Watched::start();
    watched.sentinels[0].stop(true);
    let bus = bus(&watched.url());

    bus.append(&log(1..=1)).await.unwrap();

    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log([2])).await.unwrap();
    hear(&mut heard, 2).await;
}

#[tokio::test]
async fn a_service_that_the_sentinels_do_not_know_is_unavailable() {
    let watched = Watched::start();
    let bus = bus(&watched.url().replace("/ccm", "/other"));

    let began = Instant::now();
    let (asked, heard) = (bus.last().await, bus.subscribe().await.err());

    assert!(asked.is_err() && heard.is_some(), "{asked:?} {heard:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
