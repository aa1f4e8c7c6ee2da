//! Changes that piled up while no relay ran, and how fast one tells them.

use std::time::{Duration, Instant};

use super::fleet::{Fleet, OF_NEW};
use super::{Figure, tries};
use crate::cluster::{Cluster, Kind};
use crate::waiting::PATIENCE;

/// Changes for each try: twenty make the backlog of a hundred thousand that is promised to be drained.
const CHANGES_A_TRY: usize = 5_000;
/// How often the log is looked at; small beside what is measured.
const LOOK: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_relay_that_comes_back_to_an_empty_outbox() {
    let mut cluster = Cluster::plan().with(1, 0, 1).start().await;
    let (relay, epoch) = cluster.leader(Kind::Relay).await;
    cluster.everything_told(PATIENCE).await;
    assert!(cluster.node(relay).process.term(PATIENCE).await.success());
    let fleet = Fleet::of(&cluster).await;
    let before = fleet.head().await;
    let workers = (CHANGES_A_TRY * tries()).div_ceil(OF_NEW);
    let count = workers * OF_NEW;
    let filling = Instant::now();
    fleet.make(workers).await;
    println!("{count} changes were committed in {:?}", filling.elapsed());
    assert_eq!(fleet.head().await, before, "nobody tells them");

    let started = Instant::now();
    cluster.node(relay).process.start_again();
    let (_, led) = cluster.next_leader(Kind::Relay, epoch, started).await;
    let end = before + count as u64;
    // Not through the API, and not often: counting what waits is work for the store too.
    while fleet.head().await < end {
        assert!(started.elapsed() < LIMIT, "the log has everything");
        tokio::time::sleep(LOOK).await;
    }
    cluster.everything_told(LIMIT).await;
    let took = started.elapsed().saturating_sub(led);

    // The new term is told as well.
    assert!((end..=end + 1).contains(&cluster.head().await), "each was told once");
    cluster.end().await;
    let mut drained = Figure::millis("backlog_drained");
    drained.add(took);
    drained.tell();
    let mut rate = Figure::new("backlog_rate", "/s");
    rate.values.push(count as f64 / took.as_secs_f64());
    rate.tell();
}
