//! The event log: every change told, at its place for ever.
//!
//! The place is the `_id`, and a change has a unique index, so two relays at once only repeat each other: whoever
//! finds its next place taken has been overtaken. A batch is inserted in order; a relay that dies in the middle
//! leaves a beginning of it, behind which the next one goes on.
//!
//! What outlives its entries stands in one document of its own: the end of the log, and from where it is kept.
//! **Invariant:** it is raised before entries go, so the end is never lower than a place that was given out.

use std::collections::HashMap;

use anyhow::anyhow;
use async_trait::async_trait;
use ccm_events::Change;
use ccm_ports::{EventLog, Logged, StoreError};
use futures_util::TryStreamExt as _;
use mongodb::action::Action as _;
use mongodb::bson::{Document, doc};
use mongodb::options::ReadConcern;
use serde::{Deserialize, Serialize};

use super::Mongo;
use super::error::Fault;
use super::stored::{change_from_text, change_to_text};
use crate::number::{counted, limit as rows, stored};

pub(super) const EVENTS: &str = "events";

/// The collection of the one document about the log.
pub(super) const STATE: &str = "log";
const STATE_KEY: &str = "events";

/// Entries forgotten by one call, so that each ends in time.
const MOST_AT_ONCE: i64 = 5_000;

/// An entry as it is stored.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    seq: i64,
    change: String,
    body: String,
}

/// What is asked for when only the place is wanted.
#[derive(Deserialize)]
struct Place {
    #[serde(rename = "_id")]
    seq: i64,
}

/// Who has which place.
#[derive(Deserialize)]
struct Known {
    #[serde(rename = "_id")]
    seq: i64,
    change: String,
}

/// What outlives the entries.
#[derive(Default, Deserialize)]
struct State {
    head: i64,
    from: i64,
}

#[async_trait]
impl EventLog for Mongo {
    async fn head(&self) -> Result<u64, StoreError> {
        counted(self.end(None).await?)
    }

    async fn oldest(&self) -> Result<u64, StoreError> {
        // A relay that slept for as long as entries are kept may wake up and add one before all others.
        let from = self.state(None).await?.from;
        match self.edge(doc! { "_id": { "$gte": from } }, 1, None).await? {
            Some(oldest) => counted(oldest),
            None => Ok(counted(self.end(None).await?)? + 1),
        }
    }

    async fn append(&self, after: u64, changes: &[Change]) -> Result<Vec<Logged>, StoreError> {
        if changes.is_empty() {
            return self.must_end_at(after).await.map(|()| Vec::new());
        }
        let Ok(start) = stored(after) else { return Err(StoreError::Conflict) };
        let known = self.known(changes).await?;
        let mut places: HashMap<&str, i64> = HashMap::with_capacity(changes.len());
        let mut fresh = Vec::new();
        let mut end = start;
        for change in changes {
            if places.contains_key(&*change.id) {
                continue;
            }
            let mut place = known.get(&change.id).copied();
            if place.is_none() {
                end = end.checked_add(1).ok_or_else(full)?;
                let body = change_to_text(change)?;
                fresh.push(Entry { seq: end, change: change.id.clone(), body });
                place = Some(end);
            }
            places.extend(place.map(|place| (&*change.id, place)));
        }
        // Nothing taken behind the place where the log ends means that it ended there.
        if fresh.is_empty() || !self.is_taken(start).await? {
            self.must_end_at(after).await?;
        }
        self.add(fresh).await?;
        let logged = |change: &Change| {
            let seq = counted(places.get(&*change.id).copied().unwrap_or_default())?;
            Ok(Logged { seq, change: change.clone() })
        };
        changes.iter().map(logged).collect()
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        // Behind any number that was ever given out there is nothing.
        let Ok(after) = stored(after) else { return Ok(Vec::new()) };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let events = self.collection::<Entry>(EVENTS);
        let entries: Vec<Entry> = self
            .run("read the log", async move {
                let page = events.find(doc! { "_id": { "$gt": after } }).sort(doc! { "_id": 1 });
                page.limit(rows(limit)).await?.try_collect().await
            })
            .await?;
        let logged = |entry: Entry| {
            Ok(Logged { seq: counted(entry.seq)?, change: change_from_text(&entry.body)? })
        };
        entries.into_iter().map(logged).collect()
    }

    async fn trim(&self, keep_from: u64) -> Result<u64, StoreError> {
        let end = self.end(here()).await?;
        // Never beyond the end: what is appended meanwhile stays.
        let keep_from = stored(keep_from).unwrap_or(i64::MAX).min(end.saturating_add(1));
        self.note(end, keep_from).await?;
        let mut gone = 0;
        while let Some(oldest) = self.edge(doc! {}, 1, here()).await? {
            if oldest >= keep_from {
                break;
            }
            let below = keep_from.min(oldest.saturating_add(MOST_AT_ONCE));
            let events = self.collection::<Document>(EVENTS);
            let trimmed = self
                .run("trim the log", async move {
                    events.delete_many(doc! { "_id": { "$lt": below } }).await
                })
                .await?;
            gone += trimmed.deleted_count;
        }
        Ok(gone)
    }
}

impl Mongo {
    /// Returns the last place given out.
    ///
    /// Entries are looked at first: when they are gone by then, the state has been raised before.
    async fn end(&self, concern: Option<ReadConcern>) -> Result<i64, StoreError> {
        let last = self.edge(doc! {}, -1, concern.clone()).await?.unwrap_or_default();
        Ok(last.max(self.state(concern).await?.head))
    }

    /// Returns the first or last place that is taken.
    async fn edge(
        &self,
        filter: Document,
        direction: i32,
        concern: Option<ReadConcern>,
    ) -> Result<Option<i64>, StoreError> {
        let events = self.collection::<Place>(EVENTS);
        let found = self
            .run("look where the log ends", async move {
                let edge = events.find_one(filter).sort(doc! { "_id": direction });
                let edge = edge.projection(doc! { "_id": 1 });
                edge.optional(concern, |edge, concern| edge.read_concern(concern)).await
            })
            .await?;
        Ok(found.map(|place| place.seq))
    }

    async fn state(&self, concern: Option<ReadConcern>) -> Result<State, StoreError> {
        let log = self.collection::<State>(STATE);
        let found = self
            .run("look where the log ends", async move {
                let state = log.find_one(doc! { "_id": STATE_KEY });
                state.optional(concern, |state, concern| state.read_concern(concern)).await
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// Raises what outlives the entries.
    async fn note(&self, head: i64, from: i64) -> Result<(), StoreError> {
        loop {
            let log = self.collection::<Document>(STATE);
            let raise = doc! { "$max": { "head": head, "from": from } };
            let noted = self
                .run("note where the log ends", async move {
                    log.update_one(doc! { "_id": STATE_KEY }, raise).upsert(true).await
                })
                .await;
            match noted {
                Ok(_) => return Ok(()),
                // Another one made it at the same moment, so now it is there.
                Err(Fault::Duplicate) => {}
                Err(Fault::Failed(err)) => return Err(err),
            }
        }
    }

    async fn must_end_at(&self, after: u64) -> Result<(), StoreError> {
        let end = counted(self.end(here()).await?)?;
        if end == after { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// Returns whether the place is given out and still kept, and so are all behind it.
    async fn is_taken(&self, seq: i64) -> Result<bool, StoreError> {
        Ok(self.edge(doc! { "_id": seq }, 1, here()).await?.is_some())
    }

    /// Returns which of the changes have a place already.
    async fn known(&self, changes: &[Change]) -> Result<HashMap<String, i64>, StoreError> {
        let events = self.collection::<Known>(EVENTS);
        let ids: Vec<_> = changes.iter().map(|change| &*change.id).collect();
        let filter = doc! { "change": { "$in": ids } };
        let found: Vec<Known> = self
            .run("look what is in the log", async move {
                let known = events.find(filter).projection(doc! { "_id": 1, "change": 1 });
                known.read_concern(ReadConcern::local()).await?.try_collect().await
            })
            .await?;
        Ok(found.into_iter().map(|known| (known.change, known.seq)).collect())
    }

    /// Adds entries in order, up to one whose place or change is there already.
    async fn add(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let events = self.collection::<Entry>(EVENTS);
        let added =
            self.run("append to the log", async move {
                events.insert_many(entries).ordered(true).await
            })
            .await;
        match added {
            Ok(_) => Ok(()),
            Err(Fault::Duplicate) => Err(StoreError::Conflict),
            Err(Fault::Failed(err)) => Err(err),
        }
    }
}

/// What writes will meet, which a majority may not have yet.
fn here() -> Option<ReadConcern> {
    Some(ReadConcern::local())
}

fn full() -> StoreError {
    StoreError::Corrupt(anyhow!("the log is full"))
}
