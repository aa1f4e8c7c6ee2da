//! Payloads about a worker.

use std::collections::BTreeSet;

use ccm_domain::{Timestamp, Worker, WorkerFact};
use serde_json::{Map, Value, json};

use super::{Commit, object};
use crate::{Change, Kind, Subject};

/// Fields that every payload about a worker carries.
const ALWAYS: &[&str] = &["id", "rev", "name", "region", "account", "updated_at"];

/// Makes the changes of one commit of a worker. `worker` is as it will be written, its `rev` raised.
#[must_use]
pub fn worker_changes(
    worker: &Worker,
    facts: &[WorkerFact],
    at: Timestamp,
    traceparent: Option<&str>,
) -> Vec<Change> {
    if facts.is_empty() {
        return Vec::new();
    }
    let view = object(&worker.view());
    let whole = facts.iter().any(|fact| matches!(fact, WorkerFact::Created | WorkerFact::Imported));
    let wanted: BTreeSet<&str> = facts.iter().flat_map(fields).chain(ALWAYS).copied().collect();
    let shared = view.into_iter().filter(|(k, _)| whole || wanted.contains(k.as_str())).collect();
    let told = facts.iter().map(|fact| (kind(fact), own(fact))).collect();
    let key = worker.id.to_string();
    let commit = Commit { collection: "workers", key: &key, rev: worker.rev, at, traceparent };
    commit.changes(&Subject::Worker(worker.id), &shared, told)
}

/// Makes the ephemeral event of new readings.
#[must_use]
pub fn worker_metrics(worker: &Worker, at: Timestamp) -> Change {
    Change {
        id: format!("workers/{}/metrics/{}", worker.id, at.as_millis()),
        kind: Kind::WorkerMetrics,
        subject: Subject::Worker(worker.id),
        time: at,
        data: json!({
            "id": worker.id,
            "rev": worker.rev,
            "metrics": worker.status.metrics,
        })
        .into(),
        traceparent: None,
    }
}

const fn kind(fact: &WorkerFact) -> Kind {
    match fact {
        WorkerFact::Created => Kind::WorkerCreated,
        WorkerFact::Imported => Kind::WorkerImported,
        WorkerFact::SpecChanged => Kind::WorkerSpecChanged,
        WorkerFact::StateChanged { .. } => Kind::WorkerStateChanged,
        WorkerFact::ServiceChanged { .. } => Kind::WorkerServiceChanged,
        WorkerFact::DetailsChanged => Kind::WorkerDetailsChanged,
        WorkerFact::TagsChanged => Kind::WorkerTagsChanged,
        WorkerFact::Paused(_) => Kind::WorkerPaused,
        WorkerFact::Resumed(_) => Kind::WorkerResumed,
        WorkerFact::IdlePolicyChanged => Kind::WorkerIdlePolicyChanged,
        WorkerFact::ActivityChanged => Kind::WorkerActivityChanged,
        WorkerFact::LicenseChanged => Kind::WorkerLicenseChanged,
        WorkerFact::OperationChanged => Kind::WorkerOperationChanged,
        WorkerFact::Removed { .. } => Kind::WorkerRemoved,
    }
}

/// Says which fields of the view a fact can have changed; the metrics ride along with a change of state.
const fn fields(fact: &WorkerFact) -> &'static [&'static str] {
    match fact {
        WorkerFact::Created | WorkerFact::Imported | WorkerFact::Removed { .. } => &[],
        WorkerFact::SpecChanged => &["want", "spec_rev"],
        WorkerFact::StateChanged { .. } => {
            &["state", "state_since", "state_reason", "stages", "metrics", "instance_id", "seen_at"]
        }
        WorkerFact::ServiceChanged { .. } => {
            &["service", "service_since", "stages", "cml", "endpoint"]
        }
        WorkerFact::DetailsChanged => &[
            "instance_id",
            "instance_type",
            "ami",
            "endpoint",
            "addresses",
            "detailed_monitoring",
            "cml",
            "stages",
            "drift",
            "seen_at",
        ],
        WorkerFact::TagsChanged => &["tags"],
        WorkerFact::Paused(_) | WorkerFact::Resumed(_) => &["power", "drift"],
        WorkerFact::IdlePolicyChanged => &["want", "idle"],
        WorkerFact::ActivityChanged => &["activity", "idle"],
        WorkerFact::LicenseChanged => &["license", "stages"],
        WorkerFact::OperationChanged => &["operation"],
    }
}

fn own(fact: &WorkerFact) -> Map<String, Value> {
    let extra = match fact {
        WorkerFact::StateChanged { from } => json!({ "from": from }),
        WorkerFact::ServiceChanged { from } => json!({ "from": from }),
        WorkerFact::Paused(change) | WorkerFact::Resumed(change) => {
            json!({ "reason": change.reason, "by": change.by })
        }
        WorkerFact::Removed { by } => json!({ "by": by }),
        WorkerFact::Created
        | WorkerFact::Imported
        | WorkerFact::SpecChanged
        | WorkerFact::DetailsChanged
        | WorkerFact::TagsChanged
        | WorkerFact::IdlePolicyChanged
        | WorkerFact::ActivityChanged
        | WorkerFact::LicenseChanged
        | WorkerFact::OperationChanged => json!({}),
    };
    object(&extra)
}
