//! From the facts that an aggregate recorded to the changes that are committed with it.
//!
//! Each payload carries `id`, `rev` and the top-level fields of the resource's view that the commit changed.
//! All changes of one commit carry the same fields, so a reader that ignores what is not newer than the
//! `rev` it has loses nothing, whichever of them its filter lets through.

mod fleet;
mod lab;
mod worker;

pub use fleet::{
    health, leader_change, run_changes, run_moments, schedule_changes, settings_changes,
};
pub use lab::lab_changes;
pub use worker::{worker_changes, worker_metrics};

use ccm_domain::Timestamp;
use serde_json::{Map, Value};

use crate::{Change, Kind, Subject};

/// What the changes of one commit have in common.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    /// Collection of the document, as in the ids of its changes.
    pub collection: &'static str,
    /// Key of the document.
    pub key: &'a str,
    /// Revision that the commit makes.
    pub rev: u64,
    /// When it became true.
    pub at: Timestamp,
    /// W3C trace context of the cause.
    pub traceparent: Option<&'a str>,
}

impl Commit<'_> {
    /// Makes the changes of the commit: one per kind, each with the shared fields and its own.
    #[must_use]
    pub fn changes(
        &self,
        subject: &Subject,
        shared: &Map<String, Value>,
        told: Vec<(Kind, Map<String, Value>)>,
    ) -> Vec<Change> {
        let change = |(nth, (kind, own)): (usize, (Kind, Map<String, Value>))| {
            let mut data = shared.clone();
            data.extend(own);
            Change {
                id: format!("{}/{}/{}.{nth}", self.collection, self.key, self.rev),
                kind,
                subject: subject.clone(),
                time: self.at,
                data: Value::Object(data).into(),
                traceparent: self.traceparent.map(str::to_owned),
            }
        };
        told.into_iter().enumerate().map(change).collect()
    }
}

/// Returns the view as a map; a view is always an object.
pub(crate) fn object(view: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(view) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}
