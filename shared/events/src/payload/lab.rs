//! Payloads about a lab.

use ccm_domain::{Lab, LabFact, Timestamp};
use serde_json::{Map, json};

use super::{Commit, object};
use crate::{Change, Kind, Subject};

/// Makes the changes of one commit of a lab. `lab` is as it will be written, its `rev` raised.
#[must_use]
pub fn lab_changes(
    lab: &Lab,
    facts: &[LabFact],
    at: Timestamp,
    traceparent: Option<&str>,
) -> Vec<Change> {
    if facts.is_empty() {
        return Vec::new();
    }
    let mut shared = object(&lab.view());
    shared.insert("worker_id".to_owned(), json!(lab.worker));
    let told = facts
        .iter()
        .map(|fact| match fact {
            LabFact::Created => (Kind::LabCreated, Map::new()),
            LabFact::Changed { from } => (Kind::LabChanged, object(&json!({ "from": from }))),
            LabFact::Removed => (Kind::LabRemoved, Map::new()),
            LabFact::ActionChanged => (Kind::LabActionChanged, Map::new()),
        })
        .collect();
    let key = format!("{}/{}", lab.worker, lab.id);
    let commit = Commit { collection: "labs", key: &key, rev: lab.rev, at, traceparent };
    commit.changes(&Subject::Lab(lab.worker, lab.id.clone()), &shared, told)
}
