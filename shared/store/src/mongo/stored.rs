//! The form in which documents and changes are stored.
//!
//! A body is real BSON, so that `mongosh` shows it as it is. It is made by way of values and not straight from
//! serde, since only that way ids and times look as they do in JSON, and read back. What BSON cannot hold is refused
//! by the write: a number beyond `i64`, a name with a zero byte in it.
//!
//! A change is JSON text within: it is told as JSON, and nothing looks into it on the way.

use std::collections::{BTreeMap, BTreeSet};

use ccm_domain::Epoch;
use ccm_events::Change;
use ccm_ports::{Document, StoreError, Writer};
use mongodb::bson::{self, Bson};
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::number::stored;

/// A document with all that is written together with it.
#[derive(Clone, Serialize)]
pub(super) struct Stored {
    #[serde(rename = "_id")]
    pub(super) key: String,
    pub(super) rev: i64,
    pub(super) guard: i64,
    pub(super) format: i64,
    pub(super) doc: bson::Document,
    pub(super) f: bson::Document,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unique: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changes: Vec<Waiting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<i64>,
}

/// A change that is not yet told.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) id: String,
    /// When it became true, by which documents wait in line.
    at: i64,
    body: String,
}

impl Stored {
    pub(super) fn of<D: Document>(
        doc: &D,
        changes: &[Change],
        by: Writer,
    ) -> Result<Self, StoreError> {
        let key = doc.key();
        let guard = match by {
            Writer::Intent => Epoch::default(),
            Writer::Leader(epoch) => epoch,
        };
        let changes: Vec<_> = changes.iter().map(Waiting::of).collect::<Result<_, _>>()?;
        Ok(Self {
            rev: stored(doc.rev())?,
            guard: stored(guard.0)?,
            format: stored(D::FORMAT)?,
            doc: bson::serialize_to_document(doc)
                .map_err(|err| corrupt(format!("write {}/{key}", D::COLLECTION), err))?,
            f: fields(doc),
            unique: doc.unique().into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            waiting: changes.iter().map(|change| change.at).min(),
            changes,
            key,
        })
    }
}

/// Returns by which moment a change stands in line, in milliseconds.
pub(super) fn waits_by(change: &Change) -> i64 {
    change.time.as_millis()
}

impl Waiting {
    fn of(change: &Change) -> Result<Self, StoreError> {
        Ok(Self { id: change.id.clone(), at: waits_by(change), body: change_to_text(change)? })
    }

    pub(super) fn change(&self) -> Result<Change, StoreError> {
        change_from_text(&self.body)
    }
}

/// Reads a document back from its body.
pub(super) fn parse<D: Document>(key: &str, body: bson::Document) -> Result<D, StoreError> {
    bson::deserialize_from_document(body)
        .map_err(|err| corrupt(format!("read {}/{key}", D::COLLECTION), err))
}

pub(super) fn change_to_text(change: &Change) -> Result<String, StoreError> {
    serde_json::to_string(change)
        .map_err(|err| corrupt(format!("write the change {}", change.id), err))
}

pub(super) fn change_from_text(body: &str) -> Result<Change, StoreError> {
    serde_json::from_str(body).map_err(|err| corrupt("read a change", err))
}

/// One value stands for itself, so that an index over a field that has no more stays a plain one.
fn fields<D: Document>(doc: &D) -> bson::Document {
    let mut all: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for (field, value) in doc.fields() {
        all.entry(field).or_default().insert(value);
    }
    let value = |values: BTreeSet<String>| {
        let mut values = values.into_iter().map(Bson::String).collect::<Vec<_>>();
        if values.len() == 1 { values.swap_remove(0) } else { Bson::Array(values) }
    };
    all.into_iter().map(|(field, values)| (field.to_owned(), value(values))).collect()
}
