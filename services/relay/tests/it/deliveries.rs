//! What is sent, in which order, and that no sink waits for another.

use std::collections::BTreeMap;
use std::time::Duration;

use ccm_config::Secret;
use ccm_events::signature::{self, Signed, SigningKey};
use ccm_events::{Event, Kind};
use ccm_ports::{Clock as _, EventFeed as _, SystemClock};
use ccm_relay::SinkSection;

use crate::outside::{Outside, SECRET, eventually, secrets, sink};
use crate::receiver::{Got, Receiver, Reply, first_times};

const OLD_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn verify(got: &Got, secret: &str) -> Result<(), signature::Untrusted> {
    let key: SigningKey = secret.parse().unwrap();
    let signed = Signed {
        id: Some(got.header("webhook-id")),
        timestamp: Some(got.header("webhook-timestamp")),
        signature: Some(got.header("webhook-signature")),
    };
    signature::verify(&[key], signed, &got.body, SystemClock.now())
}

#[tokio::test]
async fn an_event_is_a_signed_cloud_event_with_the_headers_of_its_sink() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let headers = BTreeMap::from([("authorization".to_owned(), Secret::from("Bearer hunter2"))]);
    let secret = secrets(&[SECRET, OLD_SECRET]);
    let relay = outside.relay(&[SinkSection { headers, secret, ..sink("audit", &receiver) }]).await;

    outside.commit(1).await;

    let got = receiver.wait_for(1).await.remove(0);
    let logged = outside.desk.stores.log.read(0, 10).await.unwrap();
    let logged = logged.iter().find(|one| one.change.id == "notes/a/1.0").unwrap();
    assert_eq!(got.body, Event::logged(logged.seq, &logged.change).json);
    assert_eq!(got.path, "/hooks/hunter2");
    assert_eq!(got.header("content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(got.header("authorization"), "Bearer hunter2");
    assert!(got.header("user-agent").starts_with("ccm-relay/"), "{got:?}");
    assert_eq!(got.header("webhook-id"), signature::message_id("notes/a/1.0"));
    for secret in [SECRET, OLD_SECRET] {
        assert_eq!(verify(&got, secret), Ok(()));
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_sink_without_a_secret_is_sent_no_signature() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let unsigned = SinkSection { secret: secrets(&[]), ..sink("audit", &receiver) };
    let relay = outside.relay(&[unsigned]).await;

    outside.commit(1).await;

    let got = receiver.wait_for(1).await.remove(0);
    assert!(!got.headers.contains_key("webhook-signature"), "{got:?}");
    assert!(got.headers.contains_key("webhook-id"), "{got:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_sink_gets_the_events_of_its_types_in_order_and_no_others() {
    use Kind::{LabChanged, LabCreated, SettingsChanged, WorkerCreated};
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let types = vec!["lab.*".to_owned(), "worker.created".to_owned()];
    let relay = outside.relay(&[SinkSection { types, ..sink("audit", &receiver) }]).await;

    for _ in 0..60 {
        let kinds = [LabCreated, SettingsChanged, WorkerCreated, LabChanged, SettingsChanged];
        outside.desk.commit_kinds("a", &kinds).await;
    }

    receiver.wait_for(180).await;
    let log = outside.desk.stores.log.read(0, 1_000).await.unwrap();
    let wanted =
        log.iter().filter(|one| matches!(one.change.kind, LabCreated | WorkerCreated | LabChanged));
    assert_eq!(receiver.seqs(), wanted.map(|one| one.seq).collect::<Vec<_>>());
    let head = log.last().unwrap().seq;
    let sink = outside.until("the cursor is at the end", |sink| sink.cursor == head).await;
    assert_eq!((sink.counts.delivered, sink.counts.failed), (180, 0));
    assert_eq!(sink.recent.len(), 100);
    relay.stop().await;
}

#[tokio::test]
async fn an_event_that_is_not_taken_holds_up_those_behind_it_and_is_sent_again() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    receiver.answers(|_, before| Reply::Status(if before % 3 == 2 { 200 } else { 503 }));
    let relay = outside.relay(&[sink("audit", &receiver)]).await;

    outside.commit(4).await;

    receiver.wait_for(12).await;
    let seqs = receiver.seqs();
    assert!(seqs.is_sorted() && first_times(&seqs).len() == 4, "{seqs:?}");
    for same in receiver.got().chunk_by(|a, b| a.seq() == b.seq()) {
        assert_eq!(same.len(), 3);
        assert!(same.iter().all(|got| got.header("webhook-id") == same[0].header("webhook-id")));
        assert!(same.iter().all(|got| verify(got, SECRET).is_ok()));
    }
    let sink = outside.until("all is delivered", |sink| sink.counts.delivered == 4).await;
    assert_eq!((sink.counts.failed, sink.failing), (8, None));
    relay.stop().await;
}

#[tokio::test]
async fn sinks_that_fail_hang_or_are_not_there_hold_up_no_other_and_no_browser() {
    let outside = Outside::new();
    let failing = Receiver::start(|_, _| Reply::Status(500)).await;
    let hanging = Receiver::start(|_, _| Reply::Never).await;
    let willing = Receiver::willing().await;
    let nobody = SinkSection { url: "http://127.0.0.1:9/x".into(), ..sink("nobody", &willing) };
    let sinks =
        [sink("failing", &failing), sink("hanging", &hanging), nobody, sink("audit", &willing)];
    let relay = outside.relay(&sinks).await;

    outside.commit(1).await;
    hanging.wait_for(1).await;
    outside.commit(50).await;

    willing.wait_for(51).await;
    let kept = async || outside.desk.bus.kept().await.unwrap().map(|(_, last)| last);
    let head = outside.desk.stores.log.head().await.unwrap();
    eventually("the bus has everything", kept, |last| *last == Some(head)).await;
    failing.wait_for(3).await;
    assert_eq!(first_times(&failing.seqs()).len(), 1);
    assert_eq!(hanging.got().len(), 1);
    let nobody = async || outside.find("nobody").await.unwrap().failing;
    let seen = eventually("nobody answers", nobody, Option::is_some).await.unwrap();
    assert!(seen.error.starts_with("cannot connect: "), "{seen:?}");
    let begun = tokio::time::Instant::now();
    relay.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn attempts_are_measured_by_sink_and_outcome() {
    let outside = Outside::new();
    let receiver =
        Receiver::start(|_, before| Reply::Status(if before == 0 { 500 } else { 200 })).await;
    let relay = outside.relay(&[sink("audit", &receiver)]).await;

    outside.commit(1).await;
    outside.until("it is delivered", |sink| sink.counts.delivered == 1).await;

    let text = relay.metrics();
    for outcome in ["failed", "delivered"] {
        let line =
            format!("ccm_sink_attempt_seconds_count{{outcome=\"{outcome}\",sink=\"audit\"}} 1");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn nothing_that_is_kept_of_a_sink_holds_a_secret() {
    let outside = Outside::new();
    let receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    let headers = BTreeMap::from([("authorization".to_owned(), Secret::from("Bearer hunter2"))]);
    let relay = outside.relay(&[SinkSection { headers, ..sink("audit", &receiver) }]).await;

    outside.commit(1).await;
    let sink = outside.until("it failed", |sink| sink.counts.failed > 1).await;

    let kept = serde_json::to_string(&sink).unwrap();
    assert!(!kept.contains("hunter2") && !kept.contains("whsec"), "{kept}");
    assert!(kept.contains("http://127.0.0.1:"), "{kept}");
    relay.stop().await;
}
