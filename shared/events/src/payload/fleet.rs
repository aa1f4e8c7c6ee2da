//! Payloads about the whole fleet: settings, schedules, runs, leaders.

use ccm_domain::run::{Run, RunFact};
use ccm_domain::schedule::{Schedule, ScheduleFact};
use ccm_domain::{Epoch, SettingsFact, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Commit, object};
use crate::{Change, Kind, Subject};

/// Makes the change of one commit of the settings.
#[must_use]
pub fn settings_changes(
    fact: &SettingsFact,
    at: Timestamp,
    traceparent: Option<&str>,
) -> Vec<Change> {
    let SettingsFact::Changed { rev, sections, by } = fact;
    let commit = Commit { collection: "settings", key: "fleet", rev: *rev, at, traceparent };
    let shared = object(&json!({ "rev": rev, "sections": sections, "by": by }));
    commit.changes(&fleet("settings"), &shared, vec![(Kind::SettingsChanged, Map::new())])
}

/// Makes the changes of one commit of a schedule.
#[must_use]
pub fn schedule_changes(
    schedule: &Schedule,
    facts: &[ScheduleFact],
    at: Timestamp,
    traceparent: Option<&str>,
) -> Vec<Change> {
    let name = schedule.spec.name.as_str();
    let commit = Commit { collection: "schedules", key: name, rev: schedule.rev, at, traceparent };
    let told = facts
        .iter()
        .map(|fact| match fact {
            ScheduleFact::Changed { by } => (Kind::ScheduleChanged, object(&json!({ "by": by }))),
            ScheduleFact::Skipped(skipped) => {
                (Kind::ScheduleChanged, object(&json!({ "skipped_now": skipped })))
            }
        })
        .collect();
    let mut shared = object(schedule);
    shared.remove("triggered_in");
    shared.insert("id".to_owned(), json!(name));
    commit.changes(&fleet(&format!("schedule/{name}")), &shared, told)
}

/// Makes the changes of one commit of a run: its failures, the only facts worth keeping.
#[must_use]
pub fn run_changes(
    run: &Run,
    facts: &[RunFact],
    at: Timestamp,
    traceparent: Option<&str>,
) -> Vec<Change> {
    let id = run.id.as_str();
    let commit = Commit { collection: "runs", key: id, rev: run.rev, at, traceparent };
    let failed = facts.contains(&RunFact::Failed);
    let told = if failed { vec![(Kind::RunFailed, Map::new())] } else { Vec::new() };
    commit.changes(&run_subject(run), &shown(run), told)
}

/// Makes the ephemeral events of a run: that it began, that it ended.
#[must_use]
pub fn run_moments(run: &Run, facts: &[RunFact], at: Timestamp) -> Vec<Change> {
    facts
        .iter()
        .filter_map(|fact| match fact {
            RunFact::Started => Some(Kind::RunStarted),
            RunFact::Finished => Some(Kind::RunFinished),
            RunFact::Failed => None,
        })
        .map(|kind| Change {
            id: format!("runs/{}/{}/{}", run.id.as_str(), run.rev, kind.name()),
            kind,
            subject: run_subject(run),
            time: at,
            data: Value::Object(shown(run)).into(),
            traceparent: None,
        })
        .collect()
}

/// Makes the change that tells of a new leader; told with the document that the leader keeps of itself.
#[must_use]
pub fn leader_change(role: &str, epoch: Epoch, holder: &str, at: Timestamp) -> Change {
    let data = json!({ "role": role, "epoch": epoch, "holder": holder });
    Change {
        id: format!("leases/{role}/{epoch}"),
        kind: Kind::SystemLeaderChanged,
        subject: fleet(&format!("leader/{role}")),
        time: at,
        data: data.into(),
        traceparent: None,
    }
}

/// Makes an ephemeral event of the health of the parts.
#[must_use]
pub fn health(parts: &impl Serialize, at: Timestamp) -> Change {
    Change {
        id: format!("system/health/{}", at.as_millis()),
        kind: Kind::SystemHealth,
        subject: fleet("system"),
        time: at,
        data: Value::Object(object(parts)).into(),
        traceparent: None,
    }
}

/// Returns a run as others see it: where its trace goes on is in the envelope.
fn shown(run: &Run) -> Map<String, Value> {
    let mut run = object(run);
    run.remove("traceparent");
    run
}

fn run_subject(run: &Run) -> Subject {
    run.worker.map_or_else(|| fleet(&format!("run/{}", run.id.as_str())), Subject::Worker)
}

fn fleet(name: &str) -> Subject {
    Subject::Fleet(name.to_owned())
}
