use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// A worker that was created at 0, runs since 100, was used at 1000 and read just now.
struct Case {
    activity: Activity,
    worker: IdlePolicy,
    settings: IdleSettings,
}

impl Case {
    fn new(read_at: i64) -> Self {
        Self {
            activity: Activity {
                last_at: Some(at(1_000)),
                last_kind: Some("start_lab".to_owned()),
                read_at: Some(at(read_at)),
                tried_at: Some(at(read_at)),
                ..Activity::default()
            },
            worker: IdlePolicy::default(),
            settings: IdleSettings::default(),
        }
    }

    fn at(&self, now: i64) -> IdleInputs<'_> {
        IdleInputs {
            running: true,
            ready: true,
            running_since: Some(at(100)),
            created_at: at(0),
            resumed_at: None,
            extended_until: None,
            snoozed_until: None,
            activity: &self.activity,
            worker: &self.worker,
            tag: None,
            settings: &self.settings,
            now: at(now),
        }
    }
}

#[test]
fn the_verdict_follows_the_clock() {
    for (now, verdict) in [
        (1_000, Verdict::Active),
        (3_999, Verdict::Active),
        (4_000, Verdict::Warned),
        (4_599, Verdict::Warned),
        (4_600, Verdict::Idle),
        (9_999, Verdict::Idle),
    ] {
        let case = Case::new(now);
        let decided = case.at(now).decide();
        assert_eq!((decided.verdict, decided.deadline), (verdict, Some(at(4_600))), "at {now}");
        assert_eq!(decided.reference, Some(at(1_000)));
    }
}

#[test]
fn what_does_not_run_has_no_deadline() {
    let case = Case::new(9_000);
    let decided = IdleInputs { running: false, ..case.at(9_000) }.decide();

    assert_eq!((decided.verdict, decided.deadline), (Verdict::NotRunning, None));
}

#[test]
fn the_reference_is_the_latest_of_use_resume_start_and_creation() {
    for (used, resumed, started, created, expected) in [
        (Some(500), None, None, 0, 500),
        (Some(500), Some(700), None, 0, 700),
        (Some(500), Some(300), Some(800), 0, 800),
        (None, None, None, 50, 50),
        (Some(500), Some(400), Some(300), 900, 900),
    ] {
        let mut case = Case::new(1_000);
        case.activity.last_at = used.map(at);
        let inputs = IdleInputs {
            resumed_at: resumed.map(at),
            running_since: started.map(at),
            created_at: at(created),
            ..case.at(1_000)
        };
        assert_eq!(inputs.decide().reference, Some(at(expected)));
    }
}

#[test]
fn a_resume_snoozes_even_when_the_timeout_is_shorter() {
    let mut case = Case::new(10_300);
    case.settings.timeout_s = 300;
    case.settings.warn_before_s = 0;
    let inputs = IdleInputs { resumed_at: Some(at(10_000)), ..case.at(10_300) };

    let decided = inputs.decide();

    assert_eq!((decided.verdict, decided.deadline), (Verdict::Snoozed, Some(at(11_800))));
}

#[test]
fn people_may_extend_beyond_the_timeout_but_never_shorten_it() {
    let case = Case::new(5_000);
    let extended = |until: i64| IdleInputs { extended_until: Some(at(until)), ..case.at(5_000) };

    let longer = extended(20_000).decide();
    assert_eq!((longer.verdict, longer.deadline), (Verdict::Extended, Some(at(20_000))));
    let shorter = extended(2_000).decide();
    assert_eq!((shorter.verdict, shorter.deadline), (Verdict::Idle, Some(at(4_600))));
}

#[test]
fn the_end_of_an_extension_is_warned_of_like_any_deadline() {
    let case = Case::new(19_500);
    let inputs = IdleInputs { extended_until: Some(at(20_000)), ..case.at(19_500) };

    assert_eq!(inputs.decide().verdict, Verdict::Warned);
}

#[test]
fn whoever_cannot_read_telemetry_stops_nothing() {
    let mut failing = Case::new(9_000);
    failing.activity.read_failed("connection refused", at(9_100));
    let mut unread = Case::new(0);
    unread.activity = Activity::default();
    let old = Case::new(5_000);
    let fine = Case::new(9_200);
    for (case, ready, why) in [
        (&failing, true, "connection refused"),
        (&unread, true, "not read yet"),
        (&old, true, "last read at"),
        (&fine, false, "not ready"),
    ] {
        let decided = IdleInputs { ready, ..case.at(9_200) }.decide();
        assert_eq!(decided.verdict, Verdict::Unknown, "{why}");
        assert!(decided.reason.contains(why), "{}", decided.reason);
    }
}

#[test]
fn an_extension_is_shown_though_telemetry_fails() {
    let mut case = Case::new(9_000);
    case.activity.read_failed("connection refused", at(9_100));
    let inputs = IdleInputs { extended_until: Some(at(9_500)), ..case.at(9_200) };

    assert_eq!(inputs.decide().verdict, Verdict::Extended);
}

#[test]
fn a_reading_from_before_the_deadline_proves_nothing() {
    for (read_at, now, verdict) in [
        (4_599, 4_700, Verdict::Warned),
        (4_600, 4_700, Verdict::Warned),
        (4_650, 4_700, Verdict::Idle),
    ] {
        assert_eq!(Case::new(read_at).at(now).decide().verdict, verdict, "read at {read_at}");
    }
}

#[test]
fn the_more_special_policy_wins_and_the_fleets_switch_is_the_master() {
    use PolicySource::{Fleet, Tag, Worker};
    for (fleet_on, tag, on, timeout, expected) in [
        (true, None, None, None, (true, 3_600, Fleet)),
        (true, Some("2h"), None, None, (true, 7_200, Tag)),
        (true, Some(" 90m "), None, None, (true, 5_400, Tag)),
        (true, Some("never"), None, None, (false, 3_600, Tag)),
        (true, Some("nevr"), None, None, (false, 3_600, Tag)),
        (true, Some("3600"), None, None, (false, 3_600, Tag)),
        (true, Some("5s"), None, None, (false, 3_600, Tag)),
        (true, Some(""), None, None, (true, 3_600, Fleet)),
        (true, Some("never"), Some(true), None, (true, 3_600, Worker)),
        (true, Some("2h"), None, Some(600), (true, 600, Worker)),
        (true, Some("2h"), Some(true), None, (true, 7_200, Worker)),
        (true, None, Some(false), Some(600), (false, 600, Worker)),
        (false, Some("2h"), Some(true), None, (false, 7_200, Fleet)),
    ] {
        let fleet = IdleSettings { enabled: fleet_on, ..IdleSettings::default() };
        let worker = IdlePolicy { enabled: on, timeout_s: timeout };
        let policy = EffectivePolicy::of(&fleet, tag, &worker);
        let found = (policy.enabled, policy.timeout_s, policy.source);
        assert_eq!(found, expected, "{tag:?} {worker:?}");
        assert_eq!(policy.disabled_because.is_none(), policy.enabled);
    }
}

#[test]
fn a_workers_own_timeout_has_the_fleets_bounds() {
    let check = |timeout_s| IdlePolicy { enabled: None, timeout_s }.check("/idle_policy");

    assert_eq!(check(None), vec![]);
    assert_eq!(check(Some(600)), vec![]);
    assert_eq!(check(Some(1)).first().unwrap().pointer, "/idle_policy/timeout_s");
}

#[test]
fn the_explanation_names_every_signal_with_its_source() {
    let mut case = Case::new(2_000);
    case.activity.unreadable = 3;
    let decided = IdleInputs { tag: Some("2h"), ..case.at(2_000) }.decide();

    let names: Vec<&str> = decided.signals.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "last_use",
            "telemetry",
            "running",
            "created",
            "resumed",
            "snoozed_until",
            "extended_until",
            "unreadable_times",
            "ccm:idle"
        ]
    );
    assert_eq!(decided.reason, "last use at 1970-01-01T00:16:40Z; idle at 1970-01-01T02:16:40Z");
}

#[test]
fn a_decision_that_only_came_later_is_no_other_decision() {
    let first = Case::new(2_000).at(2_000).decide();
    let second = Case::new(2_600).at(2_600).decide();
    let third = Case::new(4_000).at(4_000).decide();

    assert!(!first.differs(&second));
    assert!(second.differs(&third));
}

#[derive(Clone, Debug)]
struct Any {
    activity: Activity,
    worker: IdlePolicy,
    settings: IdleSettings,
    ready: bool,
    times: [Option<i64>; 4],
    tag: Option<&'static str>,
}

impl Any {
    fn inputs(&self, now: i64) -> IdleInputs<'_> {
        let [running_since, resumed_at, extended_until, snoozed_until] =
            self.times.map(|time| time.map(at));
        IdleInputs {
            running: true,
            ready: self.ready,
            running_since,
            created_at: at(0),
            resumed_at,
            extended_until,
            snoozed_until,
            activity: &self.activity,
            worker: &self.worker,
            tag: self.tag,
            settings: &self.settings,
            now: at(now),
        }
    }
}

fn moment() -> impl Strategy<Value = Option<i64>> {
    prop::option::of(0_i64..20_000)
}

fn any_case() -> impl Strategy<Value = Any> {
    let activity = (moment(), moment(), prop::option::of(Just("refused".to_owned()))).prop_map(
        |(last, read, read_error)| Activity {
            last_at: last.map(at),
            read_at: read.map(at),
            read_error,
            ..Activity::default()
        },
    );
    let worker = (prop::option::of(any::<bool>()), prop::option::of(60_u64..9_000))
        .prop_map(|(enabled, timeout_s)| IdlePolicy { enabled, timeout_s });
    let settings = (prop::bool::weighted(0.9), 60_u64..9_000, 0_u64..4_000, 0_u64..1_000).prop_map(
        |(enabled, timeout_s, snooze_s, warn_before_s)| IdleSettings {
            enabled,
            timeout_s,
            snooze_s,
            warn_before_s,
            ..IdleSettings::default()
        },
    );
    let tag = prop::sample::select(vec![None, None, Some("never"), Some("1h"), Some("?")]);
    let times = [moment(), moment(), moment(), moment()];
    (activity, worker, settings, prop::bool::weighted(0.9), times, tag).prop_map(
        |(activity, worker, settings, ready, times, tag)| Any {
            activity,
            worker,
            settings,
            ready,
            times,
            tag,
        },
    )
}

proptest! {
    #[test]
    fn a_later_use_never_brings_the_deadline_nearer(mut case in any_case(), later in 0_i64..9_000, now in 0_i64..40_000) {
        let before = case.inputs(now).decide().deadline;
        case.activity.last_at = case.activity.last_at.map(|last| last.plus(Duration::from_secs(later.unsigned_abs())));
        prop_assert!(case.inputs(now).decide().deadline >= before);
    }

    #[test]
    fn failing_telemetry_never_makes_a_worker_idle(mut case in any_case(), way in 0..3, now in 0_i64..40_000) {
        match way {
            0 => case.activity.read_error = Some("refused".to_owned()),
            1 => case.activity.read_at = None,
            _ => case.ready = false,
        }
        prop_assert_ne!(case.inputs(now).decide().verdict, Verdict::Idle);
    }

    #[test]
    fn a_policy_that_is_off_never_makes_a_worker_idle(mut case in any_case(), now in 0_i64..40_000) {
        case.settings.enabled = false;
        prop_assert_eq!(case.inputs(now).decide().verdict, Verdict::Disabled);
        case.settings.enabled = true;
        case.worker.enabled = Some(false);
        prop_assert_eq!(case.inputs(now).decide().verdict, Verdict::Disabled);
    }

    /// Nobody used it within the timeout and the reading is fresh, or it is not idle.
    #[test]
    fn idle_means_that_nothing_speaks_against_it(mut case in any_case(), now in 0_i64..40_000) {
        case.activity.read_at = Some(at(now));
        let decided = case.inputs(now).decide();
        if decided.verdict == Verdict::Idle {
            let timeout = Duration::from_secs(decided.policy.timeout_s);
            prop_assert!(case.activity.last_at.is_none_or(|last| last.plus(timeout) <= at(now)));
            prop_assert!(case.times.iter().flatten().all(|time| *time <= now));
            prop_assert!(case.activity.read_error.is_none() && case.ready && decided.policy.enabled);
        }
    }

    /// With a fresh reading each time, time alone leads from active over warned to idle, never back.
    #[test]
    fn time_alone_leads_to_idle_and_never_back(mut case in any_case(), start in 0_i64..20_000) {
        case.settings.enabled = true;
        case.worker.enabled = Some(true);
        case.ready = true;
        case.activity.read_error = None;
        let rank = |verdict| match verdict {
            Verdict::Active | Verdict::Snoozed | Verdict::Extended => 0,
            Verdict::Warned => 1,
            Verdict::Idle => 2,
            Verdict::NotRunning | Verdict::Disabled | Verdict::Unknown => unreachable!("{verdict:?}"),
        };
        let mut last = (0, None);
        for now in (start..start + 60_000).step_by(2_000) {
            case.activity.read_at = Some(at(now));
            let decided = case.inputs(now).decide();
            let here = (rank(decided.verdict), decided.deadline);
            prop_assert!(here.0 >= last.0);
            prop_assert!(last.1.is_none() || last.1 == here.1, "time moved the deadline");
            last = here;
        }
        prop_assert_eq!(last.0, 2, "sixty thousand seconds later everybody is idle");
    }
}
