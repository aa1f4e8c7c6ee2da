//! Events that are given up, and what people can do about them.

use std::time::Duration;

use ccm_app::FleetError;
use ccm_domain::sink::{AttemptOutcome, DeadLetterState};
use ccm_domain::{DomainError, SinkName};
use ccm_ports::Query;

use crate::outside::{Outside, admin, eventually, sink};
use crate::receiver::{Receiver, Reply};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn audit() -> SinkName {
    "audit".parse().unwrap()
}

/// A sink whose receiver refused two events for a day.
async fn after_a_bad_day() -> (Outside, Receiver, crate::outside::Running) {
    let outside = Outside::new();
    let receiver = Receiver::start(|_, _| Reply::Status(500)).await;
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    outside.commit(2).await;
    outside.until("it fails", |sink| sink.counts.failed >= 2).await;
    outside.advance(DAY);
    outside.until("both are given up", |sink| sink.counts.dead == 2).await;
    (outside, receiver, relay)
}

#[tokio::test]
async fn what_is_not_taken_for_a_day_becomes_a_dead_letter_and_the_sink_goes_on() {
    let (outside, receiver, relay) = after_a_bad_day().await;

    receiver.answers(|_, _| Reply::Status(200));
    outside.commit(1).await;

    let sink = outside.until("the third is taken", |sink| sink.counts.delivered == 1).await;
    assert_eq!((sink.counts.dead, sink.failing.clone()), (2, None));
    let letters = outside.letters().await;
    let seqs: Vec<u64> = letters.iter().map(|letter| letter.seq).collect();
    assert_eq!(seqs, [sink.cursor - 2, sink.cursor - 1]);
    let first = &letters[0];
    assert_eq!((first.state, first.event.as_str()), (DeadLetterState::Dead, "notes/a/1.0"));
    assert_eq!(first.error, "the receiver answered 500 Internal Server Error");
    assert!(first.attempts >= 2, "{first:?}");
    let given_up = |outcome| outcome == AttemptOutcome::GivenUp;
    assert!(sink.recent.iter().any(|attempt| given_up(attempt.outcome)), "{sink:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_dead_letter_is_sent_once_more_as_it_was() {
    let (outside, receiver, relay) = after_a_bad_day().await;
    let fleet = outside.fleet();
    let refused = receiver.got()[0].clone();
    let letter = outside.letters().await.remove(0);
    receiver.answers(|_, _| Reply::Status(200));
    let before = receiver.got().len();

    let queued = fleet.replay_dead_letter(&admin(), &audit(), letter.seq).await.unwrap();

    assert_eq!(queued.state, DeadLetterState::Queued);
    let got = receiver.wait_for(before + 1).await.remove(before);
    assert_eq!((got.body.clone(), got.id()), (refused.body.clone(), letter.event.clone()));
    assert_eq!(got.header("webhook-id"), refused.header("webhook-id"));
    let state = async || outside.letters().await[0].state;
    eventually("it is delivered", state, |state| *state == DeadLetterState::Delivered).await;
    let again = fleet.replay_dead_letter(&admin(), &audit(), letter.seq).await.unwrap_err();
    assert!(
        matches!(&again, FleetError::Domain(DomainError::NotPossible { code, .. }) if *code == "dead_letter_delivered"),
        "{again:?}"
    );
    let sink = outside.until("it is in the log", |sink| sink.recent.iter().any(|a| a.replay)).await;
    assert_eq!(sink.counts.dead, 2);
    relay.stop().await;
}

#[tokio::test]
async fn a_replay_that_fails_leaves_it_dead_with_the_new_reason() {
    let (outside, receiver, relay) = after_a_bad_day().await;
    receiver.answers(|_, _| Reply::Status(418));
    let seq = outside.letters().await[0].seq;

    outside.fleet().replay_dead_letter(&admin(), &audit(), seq).await.unwrap();

    let letter = async || outside.letters().await.remove(0);
    let seen = eventually("it is dead again", letter, |l| l.replayed_at.is_some()).await;
    assert_eq!(seen.state, DeadLetterState::Dead);
    assert_eq!(seen.error, "the receiver answered 418 I'm a teapot");
    relay.stop().await;
}

#[tokio::test]
async fn all_dead_letters_of_a_sink_can_be_sent_again_in_order() {
    let (outside, receiver, relay) = after_a_bad_day().await;
    receiver.answers(|_, _| Reply::Status(200));
    let before = receiver.got().len();

    let queued = outside.fleet().replay_dead_letters(&admin(), &audit()).await.unwrap();

    assert_eq!(queued, 2);
    let seqs: Vec<u64> =
        receiver.wait_for(before + 2).await[before..].iter().map(|got| got.seq()).collect();
    let letters: Vec<u64> = outside.letters().await.iter().map(|letter| letter.seq).collect();
    assert_eq!(seqs, letters);
    assert_eq!(outside.fleet().replay_dead_letters(&admin(), &audit()).await.unwrap(), 0);
    relay.stop().await;
}

#[tokio::test]
async fn a_pause_that_a_replay_is_asked_for_holds_for_all_events() {
    let (outside, receiver, relay) = after_a_bad_day().await;
    receiver.answers(|_, _| Reply::Status(200));
    outside.commit(1).await;
    outside.until("it is well", |sink| sink.failing.is_none()).await;
    let before = receiver.got().len();
    receiver.answers(move |_, nth| match nth {
        nth if nth == before => Reply::With(429, "retry-after", "1".to_owned()),
        _ => Reply::Status(200),
    });
    let seq = outside.letters().await[0].seq;
    outside.fleet().replay_dead_letter(&admin(), &audit(), seq).await.unwrap();
    receiver.wait_for(before + 1).await;

    outside.commit(1).await;

    let got = receiver.wait_for(before + 2).await;
    let pause = got[before + 1].at - got[before].at;
    assert!(pause >= Duration::from_millis(950), "{pause:?}");
    relay.stop().await;
}

#[tokio::test]
async fn a_person_can_let_the_event_go_that_holds_up_the_others() {
    let outside = Outside::new();
    let receiver = Receiver::start(|got, _| {
        let is_bad = got.id() == "notes/a/1.0";
        Reply::Status(if is_bad { 422 } else { 200 })
    })
    .await;
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    outside.commit(3).await;
    outside.until("it is stuck", |sink| sink.counts.failed >= 2).await;

    outside.fleet().skip_at_sink(&admin(), &audit()).await.unwrap();

    let sink = outside.until("the others are taken", |sink| sink.counts.delivered == 2).await;
    assert_eq!((sink.counts.dead, sink.skip), (1, None));
    assert_eq!(outside.letters().await[0].event, "notes/a/1.0");
    relay.stop().await;
}

#[tokio::test]
async fn a_sink_that_a_person_disabled_is_left_alone() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    let fleet = outside.fleet();
    fleet.disable_sink(&admin(), &audit()).await.unwrap();
    let replay = fleet.replay_dead_letters(&admin(), &audit()).await.unwrap_err();
    assert!(replay.to_string().contains("is disabled"), "{replay}");

    outside.commit(3).await;
    let bus_is_there = async || outside.desk.stores.outbox.backlog().await.unwrap();
    eventually("the outbox is told", bus_is_there, |waiting| *waiting == 0).await;
    assert_eq!(receiver.got().len(), 0);
    fleet.enable_sink(&admin(), &audit()).await.unwrap();

    receiver.wait_for(3).await;
    assert!(receiver.seqs().is_sorted(), "{:?}", receiver.seqs());
    relay.stop().await;
}

#[tokio::test]
async fn only_who_may_control_sinks_sees_them() {
    let (outside, receiver) = (Outside::new(), Receiver::willing().await);
    let relay = outside.relay(&[sink("audit", &receiver)]).await;
    let (fleet, name) = (outside.fleet(), audit());
    let operator = ccm_domain::Actor::policy("idle");

    assert_eq!(fleet.list_sinks(&admin(), Query::default()).await.unwrap().items.len(), 1);
    let page = fleet.list_dead_letters(&admin(), &name, &[], Query::default()).await.unwrap();
    assert!(page.items.is_empty());
    assert!(fleet.list_sinks(&operator, Query::default()).await.is_err());
    assert!(fleet.enable_sink(&operator, &name).await.is_err());
    assert!(fleet.list_dead_letters(&operator, &name, &[], Query::default()).await.is_err());
    assert!(fleet.replay_dead_letter(&operator, &name, 1).await.is_err());
    relay.stop().await;
}
