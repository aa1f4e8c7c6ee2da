//! Relays that stop or die while they send, and sinks that come and go.

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::sink::SinkState;

use crate::outside::{Outside, admin, eventually, sink};
use crate::receiver::{Receiver, Reply, first_times};

#[tokio::test]
async fn a_relay_may_die_before_or_after_any_answer_and_nothing_is_lost() {
    let outside = Outside::new();
    let receiver = Receiver::willing().await;
    let sinks = [sink("audit", &receiver)];
    outside.relay(&sinks).await.stop().await;
    let mut sent = 0;

    // Each life dies at another request: while it waits for the answer, or just after it got one.
    for life in 0_usize..12 {
        outside.commit(3).await;
        let (at, answered) = (sent + 1 + life % 3, life % 2 == 0);
        receiver.answers(move |_, before| match before {
            before if before + 1 == at && !answered => Reply::Never,
            _ => Reply::Status(200),
        });
        let relay = outside.relay_at_once(&sinks);
        receiver.wait_for(at).await;
        relay.kill().await;
        sent = receiver.got().len();
    }
    receiver.answers(|_, _| Reply::Status(200));
    let relay = outside.relay_at_once(&sinks);

    let waiting = async || outside.desk.stores.outbox.backlog().await.unwrap();
    eventually("all is told", waiting, |waiting| *waiting == 0).await;
    let end = outside.desk.stores.log.head().await.unwrap();
    // Who leads is told in the same log, perhaps behind this end.
    outside.until("all is delivered", |sink| sink.cursor >= end).await;
    let log = outside.desk.stores.log.read(0, 1_000).await.unwrap();
    let wanted: Vec<u64> =
        log.iter().filter(|one| one.change.id.starts_with("notes/")).map(|one| one.seq).collect();
    let seqs = receiver.seqs();
    assert_eq!(first_times(&seqs), wanted, "{seqs:?}");
    // Only the event under way is repeated.
    assert!(seqs.is_sorted(), "{seqs:?}");
    assert!(seqs.len() <= wanted.len() + 12, "{seqs:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_stops_ends_its_request_and_the_next_one_goes_on_behind_it() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let sinks = [sink("audit", &receiver)];
    let relay = outside.relay(&sinks).await;
    outside.commit(20).await;
    receiver.wait_for(5).await;

    relay.stop().await;
    let relay = outside.relay(&sinks).await;

    receiver.wait_for(20).await;
    let seqs = receiver.seqs();
    assert!(seqs.is_sorted_by(|a, b| a < b), "nothing is repeated: {seqs:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_new_sink_begins_at_the_end_of_the_log() {
    let (outside, old, new) =
        (Outside::new(), Receiver::willing().await, Receiver::willing().await);
    let relay = outside.relay(&[sink("old", &old)]).await;
    outside.commit(5).await;
    old.wait_for(5).await;
    relay.stop().await;

    let relay = outside.relay(&[sink("old", &old), sink("audit", &new)]).await;
    outside.commit(2).await;

    new.wait_for(2).await;
    old.wait_for(7).await;
    assert_eq!(new.seqs(), old.seqs()[5..]);
    relay.stop().await;
}

#[tokio::test]
async fn a_sink_that_left_the_configuration_goes_on_where_it_was_when_it_comes_back() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let sinks = [sink("audit", &receiver)];
    let relay = outside.relay(&sinks).await;
    outside.commit(1).await;
    receiver.wait_for(1).await;
    relay.stop().await;
    let without = outside.relay(&[]).await;
    outside.until("it has left", |sink| sink.state == SinkState::Unconfigured).await;
    let name = "audit".parse().unwrap();
    assert!(outside.fleet().enable_sink(&admin(), &name).await.is_err());
    outside.commit(2).await;
    without.stop().await;

    let relay = outside.relay(&sinks).await;

    receiver.wait_for(3).await;
    assert!(receiver.seqs().is_sorted_by(|a, b| a < b), "{:?}", receiver.seqs());
    relay.stop().await;
}

#[tokio::test]
async fn what_the_log_forgot_is_noted_as_a_gap_and_the_sink_goes_on() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    let (fleet, name) = (outside.fleet(), "audit".parse().unwrap());
    outside.commit(1).await;
    let before = outside.until("it is delivered", |sink| sink.counts.delivered == 1).await;
    fleet.disable_sink(&admin(), &name).await.unwrap();
    outside.commit(10).await;
    let log = Arc::clone(&outside.desk.stores.log);
    let target = before.cursor + 10;
    let head = async || log.head().await.unwrap();
    eventually("all is told", head, |head| *head >= target).await;

    log.trim(before.cursor + 8).await.unwrap();
    fleet.enable_sink(&admin(), &name).await.unwrap();

    let sink = outside.until("it goes on", |sink| sink.counts.delivered == 4).await;
    let gap = sink.gap.unwrap();
    assert_eq!((gap.from, gap.to), (before.cursor + 1, before.cursor + 7));
    assert_eq!(sink.counts.missed, 7);
    assert!(relay.metrics().contains("ccm_sink_missed_events_total{sink=\"audit\"} 7"));
    relay.stop().await;
}

#[tokio::test]
async fn a_log_that_was_trimmed_to_nothing_is_a_gap_too() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    let (fleet, name) = (outside.fleet(), "audit".parse().unwrap());
    fleet.disable_sink(&admin(), &name).await.unwrap();
    let start = outside.sink().await.cursor;
    outside.commit(5).await;
    let log = Arc::clone(&outside.desk.stores.log);
    eventually("all is told", async || log.head().await.unwrap(), |head| *head >= start + 5).await;
    let head = log.head().await.unwrap();

    log.trim(head + 1).await.unwrap();
    fleet.enable_sink(&admin(), &name).await.unwrap();

    let sink = outside.until("it is at the end", |sink| sink.cursor == head).await;
    assert_eq!(sink.gap.unwrap().to, head);
    outside.commit(1).await;
    receiver.wait_for(1).await;
    relay.stop().await;
}

#[tokio::test]
async fn retries_go_on_with_the_next_relay_and_keep_their_time() {
    let mut outside = Outside::new();
    outside.times.first_pause = Duration::from_secs(3_600);
    outside.times.longest_pause = Duration::from_secs(3_600);
    let receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    let sinks = [sink("audit", &receiver)];
    let relay = outside.relay(&sinks).await;
    outside.commit(1).await;
    let before = outside.until("it failed", |sink| sink.counts.failed == 1).await;
    relay.stop().await;

    let relay = outside.relay(&sinks).await;
    outside.advance(Duration::from_secs(3_600));

    let after = outside.until("it failed again", |sink| sink.counts.failed == 2).await;
    let (before, after) = (before.failing.unwrap(), after.failing.unwrap());
    assert_eq!((after.since, after.failures, after.attempts), (before.since, 2, 2));
    relay.stop().await;
}
