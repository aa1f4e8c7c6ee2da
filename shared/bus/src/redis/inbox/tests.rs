use ccm_domain::Timestamp;
use ccm_events::{Change, Kind, Subject};
use futures_util::FutureExt;
use serde_json::json;

use super::*;

fn change(kind: Kind, text: &str) -> Change {
    Change {
        id: "tests/1".to_owned(),
        kind,
        subject: Subject::Fleet("settings".to_owned()),
        time: Timestamp::from_millis(1_700_000_000_000),
        data: json!({ "text": text }).into(),
        traceparent: None,
    }
}

fn logged(seq: u64) -> Event {
    Event::logged(seq, &change(Kind::SettingsChanged, ""))
}

fn events(seqs: impl IntoIterator<Item = u64>) -> Vec<Heard> {
    seqs.into_iter().map(|seq| Heard::Event(logged(seq))).collect()
}

fn inbox() -> Inbox {
    Inbox::new(4, 1 << 20)
}

fn waiting(inbox: &Inbox) -> Vec<Heard> {
    std::iter::from_fn(|| inbox.next().now_or_never().flatten()).collect()
}

#[test]
fn what_does_not_fit_becomes_one_gap_and_hearing_goes_on() {
    let inbox = inbox();
    let turn = inbox.next_turn();
    for seq in 1..=12 {
        inbox.push(turn, logged(seq));
    }

    // Overrun by 5, then again by 9 with what came behind the first gap.
    assert_eq!(waiting(&inbox), [vec![Heard::Gap], events(10..=12)].concat()[..]);
    assert_eq!(inbox.heard(turn), Some(12));
}

#[test]
fn bytes_are_bounded_and_given_back() {
    let large = Event::logged(1, &change(Kind::SettingsChanged, &"x".repeat(1_000)));
    let inbox = Inbox::new(100, 3_500);
    let turn = inbox.next_turn();
    let fill = |count| (0..count).for_each(|_| inbox.push(turn, large.clone()));

    fill(2);
    assert_eq!(waiting(&inbox).len(), 2);
    fill(2);
    assert!(!waiting(&inbox).contains(&Heard::Gap), "bytes of what was read still count");
    fill(3);
    assert_eq!(waiting(&inbox), [Heard::Gap]);
    fill(2);
    assert_eq!(waiting(&inbox).len(), 2);
}

#[test]
fn an_earlier_connection_is_not_heard_any_more() {
    let inbox = inbox();
    let old = inbox.next_turn();
    inbox.push(old, logged(1));
    let new = inbox.next_turn();

    inbox.push(old, logged(2));
    inbox.gap(old);
    inbox.push(new, logged(7));

    assert_eq!(waiting(&inbox), events([1, 7]));
    assert_eq!((inbox.heard(old), inbox.heard(new)), (None, Some(7)));
}

#[test]
fn gaps_that_follow_each_other_are_one() {
    let inbox = inbox();
    let turn = inbox.next_turn();

    inbox.gap(turn);
    inbox.gap(turn);
    inbox.push(turn, logged(1));
    inbox.gap(turn);

    assert_eq!(waiting(&inbox), [vec![Heard::Gap], events([1]), vec![Heard::Gap]].concat());
}

#[test]
fn what_was_heard_is_compared_with_where_the_log_was() {
    for (case, heard, last, expected, told) in [
        ("nothing was told yet", None, 40, Compared::Same, vec![]),
        ("all was heard", Some(40), 40, Compared::Same, vec![]),
        ("the last was not heard", Some(39), 40, Compared::Missed, vec![]),
        ("the log is empty", Some(40), 0, Compared::Lost, vec![Heard::Gap]),
    ] {
        let inbox = inbox();
        let turn = inbox.next_turn();
        if let Some(heard) = heard {
            inbox.push(turn, logged(heard));
            waiting(&inbox);
        }

        assert_eq!(inbox.compare(inbox.heard(turn), last), expected, "{case}");

        assert_eq!(waiting(&inbox), told, "{case}");
    }
}

#[test]
fn once_a_probe_said_where_the_log_is_everything_behind_it_must_be_heard() {
    let inbox = inbox();
    let turn = inbox.next_turn();
    inbox.compare(inbox.heard(turn), 40);

    assert_eq!(inbox.compare(inbox.heard(turn), 41), Compared::Missed);
}

#[test]
fn a_log_that_begins_anew_is_followed_from_where_it_is() {
    let inbox = inbox();
    let turn = inbox.next_turn();
    inbox.push(turn, logged(40));
    assert_eq!(inbox.compare(Some(40), 3), Compared::Lost);

    assert_eq!(inbox.compare(inbox.heard(turn), 3), Compared::Same);
    inbox.push(turn, logged(4));
    assert_eq!(inbox.compare(inbox.heard(turn), 4), Compared::Same);
}

#[test]
fn events_without_a_number_do_not_move_what_was_heard() {
    let inbox = inbox();
    let turn = inbox.next_turn();
    inbox.push(turn, logged(3));

    inbox.push(turn, Event::ephemeral(&change(Kind::SystemHealth, "")));

    assert_eq!(inbox.heard(turn), Some(3));
}

#[test]
fn a_closed_inbox_ends_behind_what_waits() {
    let inbox = inbox();
    let turn = inbox.next_turn();
    inbox.push(turn, logged(1));

    inbox.close();
    inbox.push(turn, logged(2));

    assert_eq!(waiting(&inbox), events([1]));
    assert_eq!(inbox.next().now_or_never(), Some(None));
}
