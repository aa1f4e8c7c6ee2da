//! Changes not yet told: they wait in their documents.

use std::collections::BTreeMap;
use std::time::Instant;

use async_trait::async_trait;
use ccm_domain::{Command, DeadLetter, Lab, Run, Schedule, Settings, Sink, Worker};
use ccm_ports::{
    Document as _, Leader, Login, Outbox, Pending, Process, Receipt, Reply, StoreError,
};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::Mongo;
use super::stored::{Waiting, waits_by};
use super::window::Span;
use crate::number::counted;

/// Where changes may wait: every type of document there is.
pub(super) const TELLING: &[&str] = &[
    Worker::COLLECTION,
    Lab::COLLECTION,
    Schedule::COLLECTION,
    Run::COLLECTION,
    Command::COLLECTION,
    Reply::COLLECTION,
    Settings::COLLECTION,
    Leader::COLLECTION,
    Process::COLLECTION,
    Sink::COLLECTION,
    DeadLetter::COLLECTION,
    Receipt::COLLECTION,
    Login::COLLECTION,
];

/// Changes taken out by one call: the server compares each change of a document with all of them.
const MOST_AT_ONCE: usize = 256;

/// Rows in one answer of a look: all of them. For a next answer some servers write what is left to disk.
const WHOLE: u32 = 10_000;

/// One change with its place in the line.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    key: String,
    collection: String,
    waiting: i64,
    change: Waiting,
}

#[derive(Deserialize)]
struct Count {
    waiting: i64,
}

#[async_trait]
impl Outbox for Mongo {
    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        let window = &self.parts.window;
        let span = window.span(limit);
        let mut line = self.line(limit, span).await?;
        if span.hides(count(&line), limit) {
            line = self.line(limit, Span::default()).await?;
        }
        let oldest = line.first().map(|(_, (waiting, _))| *waiting);
        window.note_begin(limit, oldest, Instant::now());
        self.take(line, limit)
    }

    async fn pending_behind(
        &self,
        ahead: &[Pending],
        limit: usize,
    ) -> Result<Vec<Pending>, StoreError> {
        // A document waits by the oldest of its changes, so each of these stands there or before.
        let oldest = |document: &Pending| document.changes.iter().map(waits_by).min();
        let Some(last) = ahead.iter().filter_map(oldest).max() else { return Ok(Vec::new()) };
        let Span { until, .. } = self.parts.window.span(limit);
        let behind = Span { from: Some(last.saturating_add(1)), until };
        let line = self.line(limit, behind).await?;
        self.take(line, limit)
    }

    async fn told(&self, told: &[Pending]) -> Result<(), StoreError> {
        let mut calls: Vec<Call> = Vec::new();
        for pending in told {
            let has_room = |call: &&mut Call| {
                call.collection == pending.collection && call.ids.len() < MOST_AT_ONCE
            };
            let ids = pending.changes.iter().map(|change| change.id.clone());
            match calls.iter_mut().find(has_room) {
                Some(call) => {
                    call.keys.push(pending.key.clone());
                    call.ids.extend(ids);
                }
                None => calls.push(Call {
                    collection: pending.collection.clone(),
                    keys: vec![pending.key.clone()],
                    ids: ids.collect(),
                }),
            }
        }
        try_join_all(calls.into_iter().map(|call| self.take_out(call))).await.map(drop)
    }

    async fn backlog(&self) -> Result<u64, StoreError> {
        let counts: Vec<Count> = self
            .look("count the outbox", |_| {
                let count = doc! { "_id": null, "waiting": { "$sum": { "$size": "$changes" } } };
                vec![
                    doc! { "$match": { "waiting": { "$exists": true } } },
                    doc! { "$group": count },
                ]
            })
            .await?;
        counts.into_iter().map(|count| counted(count.waiting)).sum()
    }
}

/// The documents of one collection that changes are taken out of by one call.
struct Call {
    collection: String,
    keys: Vec<String>,
    ids: Vec<String>,
}

impl Mongo {
    /// Looks for the documents with the oldest changes; returns at least so many of them, if there are.
    async fn line(&self, limit: usize, span: Span) -> Result<Line, StoreError> {
        // What the server can count to.
        let limit = limit.min(i32::MAX as usize);
        if limit == 0 {
            return Ok(Line::new());
        }
        Ok(line(self.look("read the outbox", |name| oldest(name, limit, span)).await?))
    }

    /// Cuts the line, and takes note of how far it goes.
    fn take(&self, line: Line, limit: usize) -> Result<Vec<Pending>, StoreError> {
        let is_full = count(&line) >= limit;
        let line = cut(line, limit);
        // Not of what was cut off: that may have been committed just now, in a collection of its own.
        let ends = line.first().zip(line.last()).filter(|_| is_full);
        let full = ends.map(|((_, (oldest, _)), (_, (newest, _)))| (*oldest, *newest));
        self.parts.window.note_end(limit, full);
        gather(line)
    }

    /// Runs a pipeline over each collection in one call: a relay does it many times a second.
    async fn look<T, P>(&self, op: &'static str, pipeline: P) -> Result<Vec<T>, StoreError>
    where
        T: serde::de::DeserializeOwned + Send + Sync + Unpin + 'static,
        P: Fn(&str) -> Vec<Document>,
    {
        let Some((first, others)) = TELLING.split_first() else { return Ok(Vec::new()) };
        let mut whole = pipeline(first);
        whole.extend(others.iter().map(|name| {
            doc! { "$unionWith": { "coll": *name, "pipeline": pipeline(name) } }
        }));
        let docs = self.collection::<Document>(first);
        Ok(self
            .run(op, async move {
                docs.aggregate(whole).batch_size(WHOLE).with_type::<T>().await?.try_collect().await
            })
            .await?)
    }

    /// Takes changes out of documents; their ids are unique, so none of another document goes with them.
    async fn take_out(&self, call: Call) -> Result<(), StoreError> {
        let docs = self.collection::<Document>(&call.collection);
        let filter = doc! { "_id": { "$in": call.keys }, "waiting": { "$exists": true } };
        let is_told = doc! { "$in": ["$$this.id", { "$literal": call.ids }] };
        let left = doc! { "$filter": { "input": "$changes", "cond": { "$not": [is_told] } } };
        // In one write, so that the place in line and the changes never disagree.
        let update = vec![
            doc! { "$set": { "changes": left } },
            doc! { "$set": {
                "waiting": { "$ifNull": [{ "$min": "$changes.at" }, "$$REMOVE"] },
                "changes": { "$cond": [{ "$eq": ["$changes", []] }, "$$REMOVE", "$changes"] },
            } },
        ];
        self.run("take changes out of the outbox", async move {
            docs.update_many(filter, update).await
        })
        .await?;
        Ok(())
    }
}

/// The oldest changes of a collection, document by document, by way of the index on `waiting`.
fn oldest(collection: &str, limit: usize, span: Span) -> Vec<Document> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let some = doc! { "$slice": ["$changes", limit] };
    vec![
        doc! { "$match": { "waiting": span.condition() } },
        doc! { "$sort": { "waiting": 1 } },
        // Each has one change at least.
        doc! { "$limit": limit },
        doc! { "$project": { "waiting": 1, "collection": { "$literal": collection }, "change": some } },
        doc! { "$unwind": "$change" },
        doc! { "$limit": limit },
    ]
}

/// Documents by collection and key, with the moment by which they wait, and their changes.
type Line = Vec<((String, String), (i64, Vec<Waiting>))>;

/// Gathers changes by document and puts the documents in line.
fn line(rows: Vec<Row>) -> Line {
    let mut documents: BTreeMap<(String, String), (i64, Vec<Waiting>)> = BTreeMap::new();
    for Row { key, collection, waiting, change } in rows {
        let (_, changes) = documents.entry((collection, key)).or_insert((waiting, Vec::new()));
        changes.push(change);
    }
    let mut line: Vec<_> = documents.into_iter().collect();
    line.sort_by_key(|(_, (waiting, _))| *waiting);
    line
}

fn count(line: &Line) -> usize {
    line.iter().map(|(_, (_, changes))| changes.len()).sum()
}

/// Cuts the line behind so many changes.
fn cut(mut line: Line, limit: usize) -> Line {
    let mut room = limit;
    for (_, (_, changes)) in &mut line {
        changes.truncate(room);
        room -= changes.len();
    }
    line.retain(|(_, (_, changes))| !changes.is_empty());
    line
}

/// Reads the changes.
fn gather(line: Line) -> Result<Vec<Pending>, StoreError> {
    let pending = line.into_iter().map(|((collection, key), (_, changes))| {
        let changes = changes.iter().map(Waiting::change).collect::<Result<_, _>>()?;
        Ok(Pending { collection, key, changes })
    });
    pending.collect()
}
