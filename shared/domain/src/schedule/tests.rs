use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{ActorKind, DomainError};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn slot(seconds: i64) -> Slot {
    Slot::at(at(seconds))
}

fn ada() -> Author {
    Author { kind: ActorKind::Person, name: "ada".to_owned() }
}

fn spec(misfire: Misfire, overlap: Overlap) -> ScheduleSpec {
    ScheduleSpec {
        name: "look".to_owned(),
        job: "look".to_owned(),
        cadence: Cadence::Every { seconds: 60 },
        jitter_s: 0,
        misfire,
        overlap,
        enabled: true,
    }
}

fn cron(expression: &str) -> ScheduleSpec {
    let cadence = Cadence::Cron { expression: expression.to_owned() };
    ScheduleSpec { cadence, ..spec(Misfire::Once, Overlap::Skip) }
}

/// A schedule that ran its first slot, at 0.
fn schedule(misfire: Misfire, overlap: Overlap) -> Schedule {
    let mut schedule = Schedule::new(spec(misfire, overlap), at(0)).unwrap();
    run(&mut schedule, 0);
    schedule
}

/// Claims and finishes what is due.
fn run(schedule: &mut Schedule, now: i64) -> Option<Due> {
    let due = schedule.claim(at(now))?;
    if let Some(slot) = due.run {
        assert!(schedule.finish(slot, RunState::Succeeded, at(now)));
    }
    Some(due)
}

fn skipped(first: i64, last: i64, count: u64, reason: SkipReason) -> Option<Skipped> {
    Some(Skipped { first: slot(first), last: slot(last), count, reason })
}

#[test]
fn a_new_schedule_is_due_at_once_and_then_on_its_grid() {
    let mut schedule = Schedule::new(spec(Misfire::Once, Overlap::Skip), at(37)).unwrap();

    assert_eq!(run(&mut schedule, 37).and_then(|due| due.run), Some(slot(37)));
    assert_eq!(schedule.next_at, Some(slot(60)));
    assert_eq!(schedule.due(at(59)), None);
    assert_eq!(run(&mut schedule, 60).and_then(|due| due.run), Some(slot(60)));
}

#[test]
fn missed_slots_are_treated_as_the_policy_says() {
    use Misfire::{CatchUp, Once, Skip};
    let table = [
        // (policy, now, slot to run, what is left out)
        (Skip, 60, Some(60), None),
        (Skip, 119, Some(60), None),
        (Skip, 190, Some(180), skipped(60, 120, 2, SkipReason::Missed)),
        (Once, 190, Some(180), skipped(60, 120, 2, SkipReason::Missed)),
        (CatchUp { most: 2 }, 190, Some(120), skipped(60, 60, 1, SkipReason::Missed)),
        (CatchUp { most: 3 }, 190, Some(60), None),
        (CatchUp { most: 9 }, 190, Some(60), None),
    ];
    for (policy, now, run, left_out) in table {
        let due = schedule(policy, Overlap::Skip).due(at(now)).unwrap();
        assert_eq!((due.run, due.skipped), (run.map(slot), left_out), "{policy:?} at {now}");
    }
}

#[test]
fn skip_leaves_out_even_the_newest_when_it_is_too_late() {
    let hourly = ScheduleSpec {
        cadence: Cadence::Every { seconds: 3_600 },
        ..spec(Misfire::Skip, Overlap::Skip)
    };
    let mut schedule = Schedule::new(hourly, at(0)).unwrap();
    run(&mut schedule, 0);

    let due = run(&mut schedule, 3_600 + 61).unwrap();

    assert_eq!((due.run, due.skipped), (None, skipped(3_600, 3_600, 1, SkipReason::Missed)));
    assert_eq!(schedule.next_at, Some(slot(7_200)));
    assert_eq!((schedule.skipped, schedule.last_skip), (1, due.skipped));
}

#[test]
fn catching_up_runs_one_after_the_other() {
    let mut schedule = schedule(Misfire::CatchUp { most: 3 }, Overlap::Queue);

    let runs: Vec<Slot> =
        std::iter::from_fn(|| run(&mut schedule, 400).and_then(|due| due.run)).collect();

    assert_eq!(runs, [slot(240), slot(300), slot(360)]);
    assert_eq!(schedule.skipped, 3);
}

#[test]
fn a_slot_that_comes_while_the_last_one_runs_is_left_out_or_waits() {
    for (overlap, left_out) in
        [(Overlap::Skip, skipped(60, 60, 1, SkipReason::Overlap)), (Overlap::Queue, None)]
    {
        let mut schedule = Schedule::new(spec(Misfire::Once, overlap), at(0)).unwrap();
        schedule.claim(at(0)).unwrap();

        let due = schedule.claim(at(60));

        assert_eq!(due.and_then(|due| due.skipped), left_out, "{overlap:?}");
        assert_eq!(due.and_then(|due| due.run), None);
        assert!(schedule.finish(slot(0), RunState::Dead, at(70)));
        let after = schedule.claim(at(70)).and_then(|due| due.run);
        assert_eq!(after, (overlap == Overlap::Queue).then_some(slot(60)));
    }
}

#[test]
fn finishing_is_repeatable_and_only_for_the_open_slot() {
    let mut schedule = Schedule::new(spec(Misfire::Once, Overlap::Skip), at(0)).unwrap();
    schedule.claim(at(0)).unwrap();

    assert!(!schedule.finish(slot(60), RunState::Succeeded, at(1)));
    assert!(schedule.finish(slot(0), RunState::Succeeded, at(5)));
    assert!(!schedule.finish(slot(0), RunState::Dead, at(9)));

    let last = LastRun { slot: slot(0), state: RunState::Succeeded, ended_at: at(5) };
    assert_eq!((schedule.last, schedule.last_success_at), (Some(last), Some(at(5))));
}

#[test]
fn a_trigger_runs_between_the_slots_of_the_grid() {
    let mut schedule = schedule(Misfire::Once, Overlap::Skip);

    let asked = schedule.trigger(&ada(), at(10));
    assert_eq!(schedule.trigger(&ada(), at(11)), asked, "two requests are one");

    assert_eq!(run(&mut schedule, 12).and_then(|due| due.run), Some(slot(10)));
    assert_eq!(run(&mut schedule, 60).and_then(|due| due.run), Some(slot(60)));
    assert_eq!(schedule.skipped, 0);
}

#[test]
fn a_trigger_stands_for_the_slots_before_it() {
    for (asked_at, left_out, next) in [
        (190, skipped(60, 180, 3, SkipReason::Triggered), 240),
        (180, skipped(60, 120, 2, SkipReason::Triggered), 240),
        (60, None, 120),
    ] {
        let mut schedule = schedule(Misfire::Once, Overlap::Skip);
        schedule.trigger(&ada(), at(asked_at));
        let due = run(&mut schedule, 200).unwrap();
        assert_eq!((due.run, due.skipped), (Some(slot(asked_at)), left_out));
        assert_eq!(schedule.next_at, Some(slot(next)));
    }
}

#[test]
fn a_trigger_waits_for_the_run_that_is_open() {
    let mut schedule = Schedule::new(spec(Misfire::Once, Overlap::Skip), at(0)).unwrap();
    schedule.claim(at(0)).unwrap();
    let asked = schedule.trigger(&ada(), at(0));

    assert!(asked > slot(0), "the slot of this millisecond is claimed");
    assert_eq!(schedule.claim(at(5)), None);
    schedule.finish(slot(0), RunState::Succeeded, at(6));
    assert_eq!(schedule.claim(at(6)).and_then(|due| due.run), Some(asked));
}

#[test]
fn a_paused_schedule_runs_on_trigger_only() {
    let mut schedule = schedule(Misfire::CatchUp { most: 9 }, Overlap::Skip);

    assert!(schedule.pause(&ada(), at(10)));
    assert!(!schedule.pause(&ada(), at(11)));
    assert_eq!((schedule.next_at, schedule.due(at(500))), (None, None));
    schedule.trigger(&ada(), at(500));
    assert_eq!(run(&mut schedule, 500).and_then(|due| due.run), Some(slot(500)));
    assert!(schedule.resume(&ada(), at(510)));

    assert_eq!(schedule.next_at, Some(slot(540)));
    assert_eq!(schedule.skipped, 0, "slots of the pause never were due");
}

#[test]
fn a_change_takes_effect_at_once_and_reports_what_it_drops() {
    let mut schedule = schedule(Misfire::Once, Overlap::Skip);
    let patch =
        SchedulePatch { cadence: Some(Cadence::Every { seconds: 90 }), ..SchedulePatch::default() };

    assert_eq!(schedule.changed(patch.clone(), &ada(), at(130)), Ok(true));

    assert_eq!(schedule.next_at, Some(slot(180)));
    assert_eq!(schedule.last_skip, skipped(60, 120, 2, SkipReason::Changed));
    assert_eq!((schedule.spec_rev, schedule.changed_by.clone()), (2, Some(ada())));
    assert_eq!(schedule.take_facts().last(), Some(&ScheduleFact::Changed { by: ada() }));
    assert_eq!(schedule.changed(patch, &ada(), at(131)), Ok(false), "the same again");
    assert!(!schedule.has_facts());
}

#[test]
fn a_change_of_policy_drops_no_slot() {
    let mut schedule = schedule(Misfire::Once, Overlap::Skip);
    let patch = SchedulePatch { misfire: Some(Misfire::Skip), ..SchedulePatch::default() };
    schedule.changed(patch, &ada(), at(130)).unwrap();

    assert_eq!((schedule.next_at, schedule.skipped), (Some(slot(60)), 0));
}

#[test]
fn what_is_out_of_bounds_is_refused_and_changes_nothing() {
    let every = |seconds| SchedulePatch {
        cadence: Some(Cadence::Every { seconds }),
        ..SchedulePatch::default()
    };
    let by_cron = |expression: &str| SchedulePatch {
        cadence: Some(Cadence::Cron { expression: expression.to_owned() }),
        ..SchedulePatch::default()
    };
    let catch_up = |most| SchedulePatch {
        misfire: Some(Misfire::CatchUp { most }),
        ..SchedulePatch::default()
    };
    for (patch, pointer) in [
        (every(4), "/cadence/seconds"),
        (every(604_801), "/cadence/seconds"),
        (by_cron("hourly, please"), "/cadence/expression"),
        (by_cron("* * * * * *"), "/cadence/expression"),
        (by_cron("0 0 0 1 1 * 1969"), "/cadence/expression"),
        (SchedulePatch { jitter_s: Some(61), ..SchedulePatch::default() }, "/jitter_s"),
        (catch_up(0), "/misfire/most"),
        (catch_up(101), "/misfire/most"),
    ] {
        let mut schedule = schedule(Misfire::Once, Overlap::Skip);
        let before = schedule.clone();
        let error = schedule.changed(patch, &ada(), at(10)).unwrap_err();
        let DomainError::Invalid { faults } = error else { panic!("{error:?}") };
        assert_eq!(faults.first().map(|fault| fault.pointer.as_str()), Some(pointer));
        assert_eq!(schedule, before);
    }
    for seconds in [5, 604_800] {
        let mut schedule = schedule(Misfire::Once, Overlap::Skip);
        assert_eq!(schedule.changed(every(seconds), &ada(), at(10)), Ok(true));
    }
}

#[test]
fn calendars_are_followed_in_utc() {
    let daily = |text: &str| text.parse::<Timestamp>().unwrap();
    let start = daily("2026-01-31T12:00:00Z");
    for (expression, next) in [
        ("30 3 * * *", "2026-02-01T03:30:00Z"),
        ("15 30 3 * * *", "2026-02-01T03:30:15Z"),
        ("0 0 1 3 *", "2026-03-01T00:00:00Z"),
        ("*/10 * * * *", "2026-01-31T12:10:00Z"),
    ] {
        let mut schedule = Schedule::new(cron(expression), start).unwrap();
        schedule.claim(start).unwrap();
        assert_eq!(schedule.next_at, Some(Slot::at(daily(next))), "{expression}");
    }
}

#[test]
fn missed_slots_of_a_calendar_are_counted() {
    let mut schedule = Schedule::new(cron("*/10 * * * *"), at(0)).unwrap();
    run(&mut schedule, 0);

    let due = run(&mut schedule, 3_000 + 599).unwrap();

    assert_eq!(
        (due.run, due.skipped),
        (Some(slot(3_000)), skipped(600, 2_400, 4, SkipReason::Missed))
    );
}

#[test]
fn each_name_has_its_own_place_in_the_spread_for_ever() {
    let first_after = |name: &str| {
        let spread = ScheduleSpec {
            name: name.to_owned(),
            cadence: Cadence::Every { seconds: 300 },
            jitter_s: 300,
            ..spec(Misfire::Once, Overlap::Skip)
        };
        let mut schedule = Schedule::new(spread, at(0)).unwrap();
        run(&mut schedule, 0);
        schedule.next_at.unwrap()
    };
    assert_eq!(first_after("look"), Slot(64_039), "a restart or a new version must not move it");

    let places: BTreeSet<i64> =
        (0..1_000).map(|n| first_after(&format!("w{n}")).0 / 30_000).collect();
    assert_eq!(places.len(), 10, "a thousand schedules fill every tenth of the period");
}

#[test]
fn the_default_jobs_are_valid_and_named_once() {
    let names: BTreeSet<&str> = JOBS.iter().map(|job| job.name).collect();
    assert_eq!(names.len(), JOBS.len());
    for spec in JOBS {
        assert_eq!(job(spec.name), Some(&spec));
        assert!(spec.attempts > 0 && spec.at_once > 0);
        if let Some(schedule) = spec.schedule() {
            assert_eq!(schedule.check(), vec![], "{}", spec.name);
        }
    }
}

#[test]
fn a_schedule_survives_being_written_and_read() {
    let mut schedule = Schedule::new(cron("*/10 * * * *"), at(0)).unwrap();
    run(&mut schedule, 9_000);
    schedule.trigger(&ada(), at(9_001));
    schedule.take_facts();
    let text = serde_json::to_string(&schedule).unwrap();

    assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
}

#[derive(Clone, Debug)]
enum Act {
    Claim,
    Finish,
    Trigger,
    Pause,
    Resume,
    Change(u64),
}

fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let act = prop_oneof![
        6 => Just(Act::Claim),
        4 => Just(Act::Finish),
        1 => Just(Act::Trigger),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
        1 => (5_u64..200).prop_map(Act::Change),
    ];
    prop::collection::vec((-20_i64..300, act), 0..80)
}

fn policies() -> impl Strategy<Value = (Misfire, Overlap)> {
    let misfire = prop_oneof![
        Just(Misfire::Skip),
        Just(Misfire::Once),
        (1_u32..5).prop_map(|most| Misfire::CatchUp { most })
    ];
    (misfire, prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue)])
}

proptest! {
    /// Whatever happens, even with a clock that jumps back: claimed slots grow, and one is open at most.
    #[test]
    fn no_slot_is_claimed_twice((misfire, overlap) in policies(), acts in acts()) {
        let mut schedule = Schedule::new(spec(misfire, overlap), at(0)).unwrap();
        let (mut now, mut last) = (0, None);
        for (step, act) in acts {
            now += step;
            match act {
                Act::Claim => {
                    let was_open = schedule.open.is_some();
                    if let Some(slot) = schedule.claim(at(now)).and_then(|due| due.run) {
                        prop_assert!(!was_open);
                        prop_assert!(Some(slot) > last, "{slot} after {last:?}");
                        last = Some(slot);
                    }
                }
                Act::Finish => {
                    let open = schedule.open.unwrap_or(slot(0));
                    schedule.finish(open, RunState::Succeeded, at(now));
                }
                Act::Trigger => drop(schedule.trigger(&ada(), at(now))),
                Act::Pause => drop(schedule.pause(&ada(), at(now))),
                Act::Resume => drop(schedule.resume(&ada(), at(now))),
                Act::Change(seconds) => {
                    let cadence = Some(Cadence::Every { seconds });
                    let patch = SchedulePatch { cadence, ..SchedulePatch::default() };
                    schedule.changed(patch, &ada(), at(now)).unwrap();
                }
            }
            prop_assert!(schedule.next_at.is_none() || schedule.next_at > schedule.claimed);
        }
    }

    /// Every slot of the grid up to the next one was run or reported; none is both.
    #[test]
    fn no_slot_is_lost_without_a_word((misfire, overlap) in policies(), acts in acts()) {
        let mut schedule = Schedule::new(spec(misfire, overlap), at(0)).unwrap();
        let (mut now, mut on_grid) = (0, 0_u64);
        for (step, act) in acts {
            now += step.abs();
            match act {
                Act::Claim => {
                    let due = schedule.claim(at(now));
                    let slot = due.and_then(|due| due.run);
                    on_grid += u64::from(slot.is_some_and(|slot| slot.0 % 60_000 == 0));
                }
                Act::Trigger => drop(schedule.trigger(&ada(), at(now))),
                Act::Finish | Act::Pause | Act::Resume | Act::Change(_) => {
                    let open = schedule.open.unwrap_or(slot(-1));
                    schedule.finish(open, RunState::Succeeded, at(now));
                }
            }
            let passed = u64::try_from(schedule.next_at.unwrap().0 / 60_000).unwrap();
            prop_assert_eq!(on_grid + schedule.skipped, passed);
        }
    }
}
