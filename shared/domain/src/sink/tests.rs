use super::*;
use crate::{ActorKind, Author};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MINUTE: Duration = Duration::from_secs(60);

fn start() -> Timestamp {
    Timestamp::from_millis(1_770_000_000_000)
}

fn sink() -> Sink {
    let target = "https://hooks.example".to_owned();
    Sink::new("audit".parse().unwrap(), target, vec!["worker.*".to_owned()], 10, start())
}

fn attempt(seq: u64, error: Option<&str>) -> Attempt {
    let outcome = if error.is_some() { AttemptOutcome::Failed } else { AttemptOutcome::Delivered };
    Attempt {
        seq,
        event: format!("workers/w/{seq}.0"),
        kind: "worker.state_changed".to_owned(),
        at: start(),
        took_ms: 3,
        outcome,
        status: None,
        error: error.map(str::to_owned),
        replay: false,
    }
}

#[test]
fn the_cursor_follows_what_was_delivered_and_never_goes_back() {
    let mut sink = sink();

    sink.deliver(attempt(11, None));
    sink.pass(15);
    sink.deliver(attempt(12, None));
    sink.pass(3);

    assert_eq!((sink.cursor, sink.counts.delivered, sink.recent.len()), (15, 1, 1));
}

#[test]
fn a_sink_ahead_of_a_new_log_begins_at_its_end() {
    let mut sink = sink();
    sink.restart(12);
    assert_eq!(sink.cursor, 10);

    sink.fail(attempt(11, Some("503")), MINUTE, start());
    sink.restart(2);

    assert_eq!((sink.cursor, sink.failing), (2, None));
}

#[test]
fn failures_in_a_row_are_counted_over_events_and_end_with_the_first_success() {
    let mut sink = sink();
    sink.fail(attempt(11, Some("503")), MINUTE, start());
    sink.fail(attempt(11, Some("504")), MINUTE, start().plus(MINUTE));
    sink.give_up(11);
    sink.fail(attempt(12, Some("500")), MINUTE, start().plus(2 * MINUTE));

    let failing = sink.failing.clone().unwrap();
    assert_eq!((failing.since, failing.failures, failing.attempts), (start(), 3, 1));
    assert_eq!((failing.seq, failing.error.as_str()), (12, "500"));
    assert_eq!(failing.next_at, start().plus(3 * MINUTE));

    sink.deliver(attempt(12, None));
    assert_eq!((sink.failing, sink.cursor), (None, 12));
    assert_eq!((sink.counts.failed, sink.counts.dead, sink.counts.delivered), (3, 1, 1));
}

#[test]
fn an_event_is_given_up_when_the_sink_failed_for_its_whole_time() {
    let mut sink = sink();
    let (old, young) = (start().minus(2 * DAY), start().plus(MINUTE));
    assert!(!sink.gives_up(11, old, DAY, start()), "it was not even tried");

    sink.fail(attempt(11, Some("503")), MINUTE, start());

    for (happened, after_first_failure, given_up) in [
        (old, MINUTE, false),
        (old, DAY, true),
        (start(), DAY - MINUTE, false),
        (start(), DAY, true),
        (young, DAY, false),
        (young, DAY + MINUTE, true),
    ] {
        let now = start().plus(after_first_failure);
        assert_eq!(sink.gives_up(11, happened, DAY, now), given_up, "{happened} at {now}");
    }
}

#[test]
fn a_person_can_give_up_the_event_that_holds_up_the_others_and_no_other() {
    let mut sink = sink();
    assert!(sink.skip().is_err());
    sink.fail(attempt(11, Some("400")), MINUTE, start());

    assert_eq!(sink.skip().unwrap(), 11);

    assert!(sink.gives_up(11, start(), DAY, start()));
    assert!(!sink.gives_up(12, start(), DAY, start()));
    sink.give_up(11);
    assert_eq!((sink.skip, sink.recent[0].outcome), (None, AttemptOutcome::GivenUp));
}

#[test]
fn a_gap_is_noted_once_and_passed() {
    let mut sink = sink();
    assert_eq!(sink.miss(11, start()), None);
    assert_eq!(sink.miss(1, start()), None);

    let gap = sink.miss(20, start()).unwrap();

    assert_eq!((gap.from, gap.to, sink.cursor, sink.counts.missed), (11, 19, 19, 9));
    assert_eq!(sink.miss(20, start()), None);
}

#[test]
fn a_sink_is_disabled_until_somebody_enables_it() {
    let mut sink = sink();
    sink.fail(attempt(11, Some("x")), MINUTE, start());

    sink.disable("the receiver answered 410", start()).unwrap();
    sink.configure("https://hooks.example", &[], start());

    assert_eq!((sink.state, sink.failing.clone()), (SinkState::Disabled, None));
    assert_eq!(sink.must_be_active().unwrap_err().code(), "sink_disabled");
    sink.enable(start()).unwrap();
    assert_eq!((sink.state, sink.reason.clone(), sink.cursor), (SinkState::Active, None, 10));
}

#[test]
fn enabling_an_active_sink_tries_at_once() {
    let mut sink = sink();
    sink.fail(attempt(11, Some("x")), MINUTE, start());

    sink.enable(start()).unwrap();

    assert_eq!(sink.failing, None);
}

#[test]
fn a_sink_that_left_the_configuration_can_only_come_back_through_it() {
    let mut sink = sink();
    sink.unconfigure(start());

    for refused in [sink.enable(start()), sink.disable("no", start()), sink.must_be_active()] {
        assert_eq!(refused.unwrap_err().code(), "sink_unconfigured");
    }
    sink.configure("https://other.example:8443", &[], start());
    assert_eq!((sink.state, sink.cursor), (SinkState::Active, 10));
    assert_eq!(sink.target, "https://other.example:8443");
}

#[test]
fn only_the_last_attempts_are_remembered() {
    let mut sink = sink();
    for seq in 11..=300 {
        sink.deliver(attempt(seq, None));
    }

    assert_eq!(sink.recent.len(), KEPT_ATTEMPTS);
    assert_eq!(sink.recent.back().unwrap().seq, 300);
}

#[test]
fn pauses_double_up_to_the_longest_and_keep_to_their_upper_half() {
    let (first, most) = (Duration::from_secs(1), Duration::from_secs(900));
    for (failures, luck, seconds) in [
        (1, 1.0, 1.0),
        (1, 0.0, 0.5),
        (2, 1.0, 2.0),
        (5, 0.5, 12.0),
        (20, 1.0, 900.0),
        (u32::MAX, 0.0, 450.0),
    ] {
        let pause = pause_after(failures, first, most, luck);
        assert_eq!(pause, Duration::from_secs_f64(seconds), "{failures} {luck}");
    }
}

#[test]
fn a_dead_letter_is_replayed_once_for_each_wish() {
    let by = Author { kind: ActorKind::Person, name: "ada".to_owned() };
    let mut letter = DeadLetter {
        sink: "audit".parse().unwrap(),
        seq: 11,
        rev: 1,
        event: "workers/w/1.0".to_owned(),
        kind: "worker.created".to_owned(),
        json: "{}".to_owned(),
        state: DeadLetterState::Dead,
        attempts: 9,
        error: "503".to_owned(),
        died_at: start(),
        replayed_by: None,
        replayed_at: None,
    };

    letter.request_replay(by.clone()).unwrap();
    letter.replayed(Some("504".to_owned()), start());
    assert_eq!((letter.state, letter.error.as_str()), (DeadLetterState::Dead, "504"));

    letter.request_replay(by.clone()).unwrap();
    letter.replayed(None, start());
    assert_eq!((letter.state, letter.attempts), (DeadLetterState::Delivered, 11));
    assert_eq!(letter.request_replay(by).unwrap_err().code(), "dead_letter_delivered");
}
