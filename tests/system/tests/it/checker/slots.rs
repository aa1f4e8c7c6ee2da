//! Slots of schedules and their runs: every slot of the grid is run once or reported as left out, and what
//! leaders write is in the order of their epochs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{EventLog, Findings};
use crate::rest::Rest;
use crate::sse::{Diary, Note};

/// What became of the slots of one schedule.
#[derive(Debug, Default)]
struct Slots {
    run: BTreeSet<i64>,
    /// First, last and count of each report.
    skipped: Vec<(i64, i64, u64)>,
}

/// Checks all schedules and runs; returns the runs.
pub(crate) async fn check_slots(
    rest: &Rest,
    log: &EventLog,
    diaries: &[Diary],
    findings: &mut Findings,
) -> Vec<Value> {
    let runs = rest.list("/runs").await;
    let mut slots: BTreeMap<String, Slots> = BTreeMap::new();
    for run in &runs {
        if let Some((schedule, slot)) = slot_of(run["id"].as_str().unwrap()) {
            slots.entry(schedule).or_default().run.insert(slot);
        }
        check_end(run, findings);
    }
    for entry in log.named("schedule.changed") {
        let skipped = &entry.data["skipped_now"];
        let Some(first) = skipped["first"].as_i64() else { continue };
        let range = (first, skipped["last"].as_i64().unwrap(), skipped["count"].as_u64().unwrap());
        let name = entry.data["name"].as_str().unwrap().to_owned();
        slots.entry(name).or_default().skipped.push(range);
    }
    for schedule in rest.list("/schedules").await {
        let name = schedule["name"].as_str().unwrap();
        let Some(slots) = slots.get(name) else { continue };
        check_grid(name, &schedule, slots, findings);
    }
    check_epochs(&runs, findings);
    check_moments(&runs, diaries, findings);
    runs
}

/// Every slot of the grid between the first and the last that were dealt with was dealt with once.
fn check_grid(name: &str, schedule: &Value, slots: &Slots, findings: &mut Findings) {
    let Some(step) = schedule["every"].as_i64().map(|seconds| seconds * 1_000) else { return };
    let next = schedule["next_run"].as_str().map(|at| at.parse::<jiff::Timestamp>().unwrap());
    let firsts = slots.skipped.iter().map(|(first, ..)| *first);
    // The next slot lies on the grid for sure. A trigger does not, nor does the very first slot of a schedule,
    // which is the moment of its making.
    let grid = next.map(jiff::Timestamp::as_millisecond).or_else(|| firsts.min());
    let Some(grid) = grid.or_else(|| slots.run.first().copied()) else { return };
    let on_grid = |slot: i64| (slot - grid).rem_euclid(step) == 0;
    let mut dealt_with: BTreeMap<i64, u32> = BTreeMap::new();
    for slot in slots.run.iter().filter(|slot| on_grid(**slot)) {
        *dealt_with.entry(*slot).or_default() += 1;
    }
    for (first, last, count) in &slots.skipped {
        let to_grid = (grid - first).rem_euclid(step);
        let range: Vec<_> =
            (first + to_grid..=*last).step_by(usize::try_from(step).unwrap()).collect();
        let off_grid = u64::from(to_grid > 0);
        findings.check(
            range.len() as u64 + off_grid == *count,
            "slots left out are miscounted",
            || format!("{name}: {count} from {first} to {last}"),
        );
        for slot in range {
            *dealt_with.entry(slot).or_default() += 1;
        }
    }
    let (Some((first, _)), Some((last, _))) =
        (dealt_with.first_key_value(), dealt_with.last_key_value())
    else {
        return;
    };
    let (first, last) = (*first, *last);
    for slot in (first..=last).step_by(usize::try_from(step).unwrap()) {
        match dealt_with.get(&slot) {
            Some(1) => {}
            Some(times) => {
                findings.fault(
                    "slot dealt with more than once",
                    format!("{name}@{slot}: {times} times"),
                );
            }
            None => {
                findings.fault("slot lost", format!("{name}@{slot} was neither run nor left out"))
            }
        }
    }
    let left_out: u64 = slots.skipped.iter().map(|(.., count)| count).sum();
    findings.saw(format!("{name}: {} slots run, {left_out} left out", slots.run.len()));
}

/// A run of a slot or a command ends, and for no reason of ours.
fn check_end(run: &Value, findings: &mut Findings) {
    let state = run["state"].as_str().unwrap();
    findings.check(state != "quarantined", "run quarantined", || run.to_string());
    findings.check(state != "dead", "run given up", || run.to_string());
}

/// Runs of one schedule follow each other, so their epochs never go back.
fn check_epochs(runs: &[Value], findings: &mut Findings) {
    let epoch = |run: &Value| run["epoch"].as_u64();
    let mut by_schedule: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
    for run in runs {
        let Some((schedule, slot)) = slot_of(run["id"].as_str().unwrap()) else { continue };
        by_schedule.entry(schedule).or_default().extend(epoch(run).map(|epoch| (slot, epoch)));
    }
    for (schedule, mut slots) in by_schedule {
        slots.sort_unstable();
        for pair in slots.windows(2) {
            findings.check(pair[0].1 <= pair[1].1, "epochs of a schedule go back", || {
                format!("{schedule}: {:?} then {:?}", pair[0], pair[1])
            });
        }
    }
    let epochs: BTreeSet<_> = runs.iter().filter_map(epoch).collect();
    findings.saw(format!("{} runs in {} terms", runs.len(), epochs.len()));
}

/// Processes that share a store have its clock, on which no run of an older term was started after one of a newer
/// term. A simulated world has a clock of its own, which begins anew with the process.
pub(crate) fn check_starts(runs: &[Value], findings: &mut Findings) {
    let start = |run: &Value| {
        let at: jiff::Timestamp = run["started_at"].as_str()?.parse().unwrap();
        Some((at, run["epoch"].as_u64()?, run["id"].as_str()?.to_owned()))
    };
    let mut started: Vec<_> = runs.iter().filter_map(start).collect();
    started.sort_unstable();
    for pair in started.windows(2) {
        findings.check(pair[0].1 <= pair[1].1, "a deposed leader started a run", || {
            format!("{:?} then {:?}", pair[0], pair[1])
        });
    }
    findings.saw(format!("the order of {} starts", started.len()));
}

/// No run was told to have ended more than once.
fn check_moments(runs: &[Value], diaries: &[Diary], findings: &mut Findings) {
    for diary in diaries {
        let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
        for note in &diary.notes {
            let Note::Moment(told) = note else { continue };
            if told["type"] == "io.ccm.run.finished.v1" {
                *ends.entry(told["data"]["id"].as_str().unwrap()).or_default() += 1;
            }
        }
        for (run, times) in ends.iter().filter(|(_, times)| **times > 1) {
            findings.fault("run ended more than once", format!("{run}: {times} times"));
        }
    }
    let open = runs.iter().filter(|run| run["ended_at"].is_null()).count();
    findings.saw(format!("{open} runs under way"));
}

/// Takes a run's name apart: `<schedule>@<slot>`.
fn slot_of(run: &str) -> Option<(String, i64)> {
    let (schedule, slot) = run.split_once('@')?;
    Some((schedule.to_owned(), slot.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(run: &[i64], skipped: &[(i64, i64, u64)]) -> String {
        let slots = Slots { run: run.iter().copied().collect(), skipped: skipped.to_vec() };
        let mut findings = Findings::default();
        check_grid("x", &json!({"every": 5}), &slots, &mut findings);
        findings.to_string()
    }

    #[test]
    fn slots_that_are_run_or_left_out_are_fine_and_triggers_lie_between() {
        for (run, skipped) in [
            (&[1_000, 6_000, 11_000][..], &[][..]),
            (&[1_000, 6_000, 7_777, 21_000], &[(11_000, 16_000, 2)]),
            (&[7_777, 21_000], &[(11_000, 16_000, 2)]),
        ] {
            assert_eq!(faults(run, skipped), "", "{run:?} {skipped:?}");
        }
    }

    #[test]
    fn the_first_slot_of_a_schedule_is_the_moment_of_its_making_and_on_no_grid() {
        let schedule = json!({"every": 5, "next_run": "1970-01-01T00:00:16Z"});
        for (run, skipped, kind) in [
            (&[1_000, 6_000][..], (893, 893, 1), ""),
            (&[6_000, 11_000], (893, 1_000, 2), ""),
            (&[11_000], (893, 1_000, 2), "slot lost"),
            (&[6_000], (893, 1_000, 1), "slots left out are miscounted"),
        ] {
            let slots = Slots { run: run.iter().copied().collect(), skipped: vec![skipped] };
            let mut findings = Findings::default();
            check_grid("x", &schedule, &slots, &mut findings);
            let found = findings.to_string();
            assert_eq!(found.is_empty(), kind.is_empty(), "{run:?} {skipped:?}: {found}");
            assert!(found.contains(kind), "{run:?} {skipped:?}: {found}");
        }
    }

    #[test]
    fn slots_that_are_lost_or_doubled_are_found() {
        for (kind, run, skipped) in [
            ("slot lost", &[1_000, 11_000][..], &[][..]),
            ("slot lost", &[1_000, 21_000], &[(6_000, 11_000, 2)]),
            ("slot dealt with more than once", &[1_000, 6_000], &[(6_000, 11_000, 2)]),
            ("slots left out are miscounted", &[1_000], &[(6_000, 11_000, 3)]),
        ] {
            let found = faults(run, skipped);
            assert!(found.contains(kind), "{kind}: {found:?}");
        }
    }

    #[test]
    fn a_run_that_an_old_leader_started_late_is_found() {
        let run = |slot: i64, epoch: u64, at: u64| json!({"id": format!("x@{slot}"), "epoch": epoch, "started_at": format!("2025-01-01T00:00:0{at}Z")});
        for (kind, runs) in [
            ("", vec![run(1, 1, 1), run(2, 1, 2), run(3, 2, 3)]),
            ("epochs of a schedule go back", vec![run(1, 2, 1), run(2, 1, 1)]),
            ("a deposed leader started a run", vec![run(2, 2, 1), run(1, 1, 2)]),
        ] {
            let mut findings = Findings::default();
            check_epochs(&runs, &mut findings);
            check_starts(&runs, &mut findings);
            let found = findings.to_string();
            assert_eq!(found.is_empty(), kind.is_empty(), "{found}");
            assert!(found.contains(kind), "{kind}: {found:?}");
        }
    }
}
