//! What each answer of a receiver leads to.

use std::time::Duration;

use ccm_domain::sink::SinkState;
use ccm_relay::SinkSection;

use crate::outside::{Outside, admin, sink};
use crate::receiver::{Receiver, Reply};

#[tokio::test]
async fn every_2xx_is_taken() {
    for status in [200, 201, 202, 204, 299] {
        let (outside, receiver) = (Outside::new(), Receiver::willing().await);
        receiver.answers(move |_, _| Reply::Status(status));
        let relay = outside.relay(&[sink("audit", &receiver)]).await;

        outside.commit(1).await;

        let sink = outside.until("it is delivered", |sink| sink.counts.delivered == 1).await;
        assert_eq!(sink.recent[0].status, Some(status));
        relay.stop().await;
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_sent_nothing_until_it_is_enabled() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    receiver.answers(|_, before| Reply::Status(if before == 0 { 410 } else { 200 }));
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    outside.commit(1).await;
    let off = outside.until("it is off", |sink| sink.state == SinkState::Disabled).await;
    assert_eq!(off.reason.as_deref(), Some("the receiver answered 410 Gone"));
    assert_eq!((off.counts.failed, off.recent[0].status), (1, Some(410)));

    outside.commit(2).await;
    outside.fleet().enable_sink(&admin(), &"audit".parse().unwrap()).await.unwrap();

    receiver.wait_for(4).await;
    let seqs = receiver.seqs();
    assert_eq!(seqs[0], seqs[1], "the event that was refused is sent again: {seqs:?}");
    assert!(seqs[1..].is_sorted_by(|a, b| a < b), "{seqs:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_given_it() {
    for (status, value) in [(429, "1"), (503, "1"), (500, "1")] {
        let (outside, receiver) = (Outside::new(), Receiver::willing().await);
        receiver.answers(move |_, before| match before {
            0 => Reply::With(status, "retry-after", value.to_owned()),
            _ => Reply::Status(200),
        });
        let relay = outside.relay(&[sink("audit", &receiver)]).await;

        outside.commit(1).await;

        let got = receiver.wait_for(2).await;
        let pause = got[1].at - got[0].at;
        assert!(pause >= Duration::from_millis(950), "{status}: {pause:?}");
        relay.stop().await;
    }
}

#[tokio::test]
async fn redirects_are_failures_and_not_followed() {
    let (outside, elsewhere) = (Outside::new(), Receiver::willing().await);
    let target = elsewhere.url();
    let moved = move |_: &_, _| Reply::With(307, "location", target.clone());
    let receiver = Receiver::start(moved).await;
    let relay = outside.relay(&[sink("audit", &receiver)]).await;

    outside.commit(1).await;

    let sink = outside.until("it failed twice", |sink| sink.counts.failed >= 2).await;
    let error = sink.failing.unwrap().error;
    assert_eq!(error, "the receiver answered 307 Temporary Redirect; redirects are not followed");
    assert_eq!(elsewhere.got().len(), 0);
    relay.stop().await;
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_has_not_taken_it() {
    let mut outside = Outside::new();
    outside.times.timeout = Duration::from_millis(100);
    let receiver = Receiver::start(|_, before| match before {
        0 => Reply::Never,
        _ => Reply::Status(200),
    })
    .await;
    let relay = outside.relay(&[sink("audit", &receiver)]).await;

    outside.commit(1).await;

    let sink = outside.until("it is delivered", |sink| sink.counts.delivered == 1).await;
    assert_eq!(sink.recent[0].error.as_deref(), Some("no answer in time"));
    assert_eq!((sink.recent[0].status, sink.recent[1].status), (None, Some(200)));
    relay.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_when_it_is_resolved() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let url = receiver.url_of("localhost");
    let local = SinkSection { url: url.as_str().into(), ..sink("audit", &receiver) };
    let refused = SinkSection { allow_private: false, ..local.clone() };
    let relay = outside.relay(&[refused]).await;
    outside.commit(1).await;
    let sink = outside.until("it failed twice", |sink| sink.counts.failed >= 2).await;
    let expected = "the address is private, and allow_private is not set";
    assert_eq!(sink.failing.unwrap().error, expected);
    assert_eq!(receiver.got().len(), 0);
    relay.stop().await;

    let relay = outside.relay(&[local]).await;

    outside.until("it is delivered", |sink| sink.counts.delivered == 1).await;
    relay.stop().await;
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (outside, receiver) = (Outside::new(), Receiver::with_tls().await);
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    outside.commit(1).await;
    let sink_seen = outside.until("it failed", |sink| sink.counts.failed >= 1).await;
    let error = sink_seen.failing.unwrap().error;
    assert!(error.contains("certificate"), "{error}");
    assert_eq!(receiver.got().len(), 0);
    relay.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, receiver.authority()).unwrap();
    let trusting =
        SinkSection { ca_file: Some(file), allow_http: false, ..sink("audit", &receiver) };
    let relay = outside.relay(&[trusting]).await;

    outside.until("it is delivered", |sink| sink.counts.delivered == 1).await;
    relay.stop().await;
}
