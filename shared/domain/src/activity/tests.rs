use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn record(seconds: i64, category: &str, user: Option<&str>) -> TelemetryRecord {
    TelemetryRecord {
        at: at(seconds),
        category: category.to_owned(),
        user: user.map(str::to_owned),
    }
}

fn feed(records: Vec<TelemetryRecord>) -> TelemetryFeed {
    TelemetryFeed { records, own_user: Some("own-id".to_owned()), ..TelemetryFeed::default() }
}

fn read(records: Vec<TelemetryRecord>, now: i64) -> Activity {
    let mut activity = Activity::default();
    activity.read(&feed(records), &IdleSettings::default(), at(now));
    activity
}

#[test]
fn the_newest_use_by_a_person_is_kept() {
    let activity = read(
        vec![
            record(100, "start_lab", Some("ann-id")),
            record(200, "wipe_node", Some("bob-id")),
            record(300, "system_stats", None),
        ],
        1_000,
    );

    assert_eq!(activity.last_at, Some(at(200)));
    assert_eq!(activity.last_kind.as_deref(), Some("wipe_node"));
    assert_eq!(activity.last_user.as_deref(), Some("bob-id"));
    assert_eq!((activity.counted_24h, activity.recent.len()), (2, 2));
    assert_eq!((activity.cursor, activity.read_at), (Some(at(300)), Some(at(1_000))));
}

#[test]
fn what_counts_as_use_is_decided_record_by_record() {
    let mut settings = IdleSettings::default();
    settings.service_users.insert("probe-id".to_owned());
    for (category, user, expected) in [
        ("start_lab", Some("ann-id"), true),
        ("packet_capture", Some("ann-id"), true),
        ("user_activity", Some("ann-id"), true),
        ("user_activity", None, true),
        ("user_activity", Some("own-id"), false),
        ("user_activity", Some("own-id-2"), true),
        ("user_activity", Some("OWN-ID"), true),
        ("start_lab", Some("probe-id"), false),
        ("start_lab", Some("probe"), true),
        ("running_nodes", Some("ann-id"), false),
        ("START_LAB", Some("ann-id"), false),
        ("", None, false),
    ] {
        let mut activity = Activity::default();
        activity.read(&feed(vec![record(5, category, user)]), &settings, at(10));
        assert_eq!(activity.last_at.is_some(), expected, "{category} by {user:?}");
    }
}

#[test]
fn the_same_feed_again_changes_nothing_that_people_see() {
    let records = vec![record(100, "start_lab", Some("ann-id"))];
    let mut activity = read(records.clone(), 1_000);
    let before = activity.clone();

    let changed = activity.read(&feed(records), &IdleSettings::default(), at(1_600));

    assert!(!changed);
    assert_eq!(activity.recent, before.recent);
    assert_eq!(activity.read_at, Some(at(1_600)));
}

#[test]
fn an_empty_feed_keeps_what_was_known() {
    let mut activity = read(vec![record(100, "start_lab", Some("ann-id"))], 1_000);

    activity.read(&feed(vec![]), &IdleSettings::default(), at(1_600));

    assert_eq!(activity.last_at, Some(at(100)));
    assert_eq!(activity.recent.len(), 1);
}

#[test]
fn a_record_from_the_future_counts_as_now_and_only_once() {
    let records = vec![record(9_999_999, "start_lab", Some("ann-id"))];
    let mut activity = read(records.clone(), 1_000);
    assert_eq!(activity.last_at, Some(at(1_000)));

    let changed = activity.read(&feed(records), &IdleSettings::default(), at(5_000));

    assert_eq!(activity.last_at, Some(at(1_000)));
    assert!(changed, "the day's count fell to zero");
}

#[test]
fn records_are_placed_by_the_controllers_own_clock() {
    let ahead = 7_200;
    let mut seen = feed(vec![record(900 + ahead, "start_lab", Some("ann-id"))]);
    seen.controller_now = Some(at(1_000 + ahead));
    let mut activity = Activity::default();

    activity.read(&seen, &IdleSettings::default(), at(1_000));

    assert_eq!(activity.last_at, Some(at(900)));
    assert_eq!(activity.clock_ahead_ms, 7_200_000);
}

#[test]
fn a_clock_that_only_seems_off_by_the_length_of_a_request_is_believed() {
    let mut seen = feed(vec![record(900, "start_lab", Some("ann-id"))]);
    seen.controller_now = Some(at(1_020));
    let mut activity = Activity::default();

    activity.read(&seen, &IdleSettings::default(), at(1_000));

    assert_eq!((activity.last_at, activity.clock_ahead_ms), (Some(at(900)), 0));
}

#[test]
fn a_new_record_cannot_be_older_than_the_last_reading() {
    let mut activity = read(vec![record(100, "system_stats", None)], 5_000);
    let slow_clock =
        vec![record(100, "system_stats", None), record(400, "start_lab", Some("ann-id"))];

    activity.read(&feed(slow_clock), &IdleSettings::default(), at(5_600));

    assert_eq!(activity.last_at, Some(at(5_000)), "its own clock says 400");
}

#[test]
fn more_records_of_unreadable_time_count_as_use_now() {
    let mut activity = Activity::default();
    let unreadable = |count| TelemetryFeed { unreadable: count, ..feed(vec![]) };

    activity.read(&unreadable(2), &IdleSettings::default(), at(100));
    assert_eq!(activity.last_at, Some(at(100)));
    activity.read(&unreadable(2), &IdleSettings::default(), at(200));
    assert_eq!(activity.last_at, Some(at(100)), "no new ones: silence");
    activity.read(&unreadable(3), &IdleSettings::default(), at(300));
    assert_eq!(activity.last_at, Some(at(300)));
    assert_eq!(activity.last_kind.as_deref(), Some(UNREADABLE));
}

#[test]
fn a_failed_reading_is_remembered_until_the_next_good_one() {
    let mut activity = read(vec![], 100);

    assert!(activity.read_failed("timed out", at(200)));
    assert!(!activity.read_failed("timed out", at(300)));
    assert_eq!((activity.read_at, activity.tried_at), (Some(at(100)), Some(at(300))));
    activity.read(&feed(vec![]), &IdleSettings::default(), at(400));
    assert_eq!((activity.read_error, activity.read_at), (None, Some(at(400))));
}

#[test]
fn a_use_through_us_counts_like_one_in_the_feed() {
    let mut activity = read(vec![record(100, "start_lab", Some("ann-id"))], 1_000);

    assert!(activity.note("start_lab", Some("ann"), at(1_200)));
    assert!(!activity.note("start_lab", Some("ann"), at(50)));

    assert_eq!((activity.last_at, activity.recent.len()), (Some(at(1_200)), 3));
}

#[test]
fn only_the_newest_uses_are_kept() {
    let records = (0..50).map(|n| record(n, "start_node", Some("ann-id"))).collect();
    let activity = read(records, 100);

    let times: Vec<Timestamp> = activity.recent.iter().map(|seen| seen.at).collect();
    assert_eq!(times, (40..50).rev().map(at).collect::<Vec<_>>());
    assert_eq!(activity.counted_24h, 50);
}

#[test]
fn a_document_of_another_version_is_read() {
    let read: Activity = serde_json::from_str(r#"{"counted_24h": 4, "mood": 1}"#).unwrap();

    assert_eq!(read, Activity { counted_24h: 4, ..Activity::default() });
}

fn any_record() -> impl Strategy<Value = TelemetryRecord> {
    let category = prop::sample::select(vec!["start_lab", "user_activity", "system_stats"]);
    let user = prop::sample::select(vec![None, Some("own-id"), Some("ann-id")]);
    (0_i64..5_000, category, user).prop_map(|(when, what, who)| record(when, what, who))
}

fn any_feed() -> impl Strategy<Value = TelemetryFeed> {
    (prop::collection::vec(any_record(), 0..20), prop::option::of(0_i64..5_000), 0_u32..3).prop_map(
        |(records, clock, unreadable)| TelemetryFeed {
            controller_now: clock.map(at),
            unreadable,
            ..feed(records)
        },
    )
}

proptest! {
    /// Whatever is read, the last use never moves back and never lies in the future.
    #[test]
    fn the_last_use_only_moves_forward(feeds in prop::collection::vec(any_feed(), 1..10)) {
        let mut activity = Activity::default();
        for (step, feed) in feeds.iter().enumerate() {
            let now = at(1_000 + 100 * i64::try_from(step).unwrap());
            let before = activity.last_at;
            activity.read(feed, &IdleSettings::default(), now);
            prop_assert!(activity.last_at >= before);
            prop_assert!(activity.last_at.is_none_or(|last| last <= now));
            prop_assert!(activity.recent.len() <= RECENT);
            prop_assert!(activity.recent.is_sorted_by(|a, b| a.at >= b.at));
        }
    }

    /// Our own polling alone is silence, however much of it there is.
    #[test]
    fn our_own_doings_never_count(times in prop::collection::vec(0_i64..5_000, 0..50), now in 0_i64..6_000) {
        let records = times.into_iter().map(|t| record(t, "user_activity", Some("own-id"))).collect();
        prop_assert_eq!(read(records, now).last_at, None);
    }
}
