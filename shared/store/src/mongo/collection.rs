//! Documents of every type.

use anyhow::anyhow;
use async_trait::async_trait;
use ccm_domain::Epoch;
use ccm_events::Change;
use ccm_ports::{Collection, Document, Page, Query, StoreError, Writer};
use mongodb::bson::{self, Bson, doc};
use mongodb::options::ReadConcern;
use serde::Deserialize;

use super::error::{Fault, classify};
use super::stored::{Stored, parse};
use super::{Mongo, list};
use crate::number::{counted, stored};

/// A key that was taken when a document should be written, and free when it was looked for, is tried again
/// so often: the write is known not to have happened.
const TRIES: usize = 5;

/// What is asked for when only the body is wanted.
#[derive(Deserialize)]
struct Body {
    doc: bson::Document,
}

/// What tells why a write matched nothing.
#[derive(Deserialize)]
struct Guard {
    guard: i64,
}

/// What tells who has a unique key.
#[derive(Deserialize)]
struct Holder {
    #[serde(default)]
    unique: Vec<String>,
}

#[async_trait]
impl<D: Document> Collection<D> for Mongo {
    async fn find(&self, key: &str) -> Result<Option<D>, StoreError> {
        let docs = self.collection::<Body>(D::COLLECTION);
        let filter = doc! { "_id": key };
        let found = self
            .run("find a document", async move {
                docs.find_one(filter).projection(doc! { "doc": 1 }).await
            })
            .await?;
        found.map(|found| parse(key, found.doc)).transpose()
    }

    async fn list(&self, query: &Query) -> Result<Page<D>, StoreError> {
        list::page(self, query).await
    }

    async fn insert(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError> {
        let row = Stored::of(doc, changes, by)?;
        if row.rev != 1 {
            let name = format!("{}/{}", D::COLLECTION, row.key);
            return Err(StoreError::Corrupt(anyhow!("{name} is new and not at revision 1")));
        }
        for _ in 0..TRIES {
            let (docs, new) = (self.collection::<Stored>(D::COLLECTION), row.clone());
            let inserted =
                self.run("insert a document", async move { docs.insert_one(new).await }).await;
            match inserted {
                Ok(_) => return Ok(()),
                Err(Fault::Failed(err)) => return Err(err),
                Err(Fault::Duplicate) => {}
            }
            if self.has(D::COLLECTION, &row.key).await? {
                return Err(StoreError::Taken(row.key));
            }
            if let Some(taken) = self.taken(D::COLLECTION, &row).await? {
                return Err(StoreError::Taken(taken));
            }
        }
        Err(StoreError::Conflict)
    }

    async fn put(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError> {
        let row = Stored::of(doc, changes, by)?;
        if row.rev < 2 {
            let name = format!("{}/{}", D::COLLECTION, row.key);
            return Err(StoreError::Corrupt(anyhow!("{name} is replaced at revision {}", row.rev)));
        }
        let mut filter = filter(&row.key, row.rev - 1, by)?;
        filter.insert("format", doc! { "$not": { "$gt": row.format } });
        let update = update(&row, by)?;
        let store = self.clone();
        self.run_all("put a document", async move {
            let replaced = store.replace::<D>(&row, filter, update, by).await;
            store.parts.fenced.note(replaced)
        })
        .await
    }

    async fn remove(&self, key: &str, rev: u64, by: Writer) -> Result<(), StoreError> {
        let mut filter = filter(key, stored(rev)?, by)?;
        filter.insert("waiting", doc! { "$exists": false });
        let (store, key) = (self.clone(), key.to_owned());
        self.run_all("remove a document", async move {
            let removed = store.delete::<D>(&key, filter, by).await;
            store.parts.fenced.note(removed)
        })
        .await
    }
}

/// What a write must find.
fn filter(key: &str, rev: i64, by: Writer) -> Result<bson::Document, StoreError> {
    let mut filter = doc! { "_id": key, "rev": rev };
    // An intent is not fenced, so any guard will do.
    if let Writer::Leader(epoch) = by {
        filter.insert("guard", doc! { "$lte": stored(epoch.0)? });
    }
    Ok(filter)
}

/// Replaces what is the writer's, and leaves what is the store's: the guard of an intent, changes that wait.
fn update(row: &Stored, by: Writer) -> Result<bson::Document, StoreError> {
    let mut set =
        doc! { "rev": row.rev, "format": row.format, "doc": row.doc.clone(), "f": row.f.clone() };
    if let Writer::Leader(epoch) = by {
        set.insert("guard", stored(epoch.0)?);
    }
    let mut update = doc! {};
    if row.unique.is_empty() {
        update.insert("$unset", doc! { "unique": 1 });
    } else {
        set.insert("unique", row.unique.clone());
    }
    update.insert("$set", set);
    if let Some(waiting) = row.waiting {
        let each =
            row.changes.iter().map(bson::serialize_to_bson).collect::<Result<Vec<Bson>, _>>();
        let each = each.map_err(|err| crate::error::corrupt("write changes", err))?;
        update.insert("$push", doc! { "changes": { "$each": each } });
        update.insert("$min", doc! { "waiting": waiting });
    }
    Ok(update)
}

/// Each first call has no limit of its own: whoever stopped waiting does not hear how it ended, but it is counted.
impl Mongo {
    async fn replace<D: Document>(
        &self,
        row: &Stored,
        mut filter: bson::Document,
        mut update: bson::Document,
        by: Writer,
    ) -> Result<(), StoreError> {
        let mut is_over_newer = false;
        let docs = self.collection::<bson::Document>(D::COLLECTION);
        for _ in 0..TRIES {
            let replaced = docs.update_one(filter.clone(), update.clone()).await;
            match replaced.map_err(|err| classify("put a document", &err)) {
                Ok(outcome) if outcome.matched_count == 0 => {
                    if !is_over_newer && let Some(newer) = self.carried::<D>(row).await? {
                        // The same write, but of what a later release wrote, with what only that knows.
                        is_over_newer = true;
                        filter.insert("format", newer.format);
                        update = self::update(&newer, by)?;
                        continue;
                    }
                    return Err(self.refusal(D::COLLECTION, D::NOUN, &row.key, by).await?);
                }
                Ok(_) => return Ok(()),
                Err(Fault::Failed(err)) => return Err(err),
                Err(Fault::Duplicate) => {}
            }
            if let Some(taken) = self.taken(D::COLLECTION, row).await? {
                return Err(StoreError::Taken(taken));
            }
        }
        Err(StoreError::Conflict)
    }

    async fn delete<D: Document>(
        &self,
        key: &str,
        filter: bson::Document,
        by: Writer,
    ) -> Result<(), StoreError> {
        let docs = self.collection::<bson::Document>(D::COLLECTION);
        let removed = docs.delete_one(filter).await;
        match removed.map_err(|err| classify("remove a document", &err))?.deleted_count {
            0 => Err(self.refusal(D::COLLECTION, D::NOUN, key, by).await?),
            _ => Ok(()),
        }
    }
}

/// These look at what the write saw, which a majority may not have yet.
impl Mongo {
    /// Finds out why a write matched nothing.
    async fn refusal(
        &self,
        collection: &'static str,
        noun: &'static str,
        key: &str,
        by: Writer,
    ) -> Result<StoreError, StoreError> {
        let docs = self.collection::<Guard>(collection);
        let filter = doc! { "_id": key };
        let found = self
            .run("look why a write was refused", async move {
                let look = docs.find_one(filter).projection(doc! { "guard": 1 });
                look.read_concern(ReadConcern::local()).await
            })
            .await?;
        let Some(found) = found else { return Ok(StoreError::NotFound(noun)) };
        let guard = Epoch(counted(found.guard)?);
        Ok(match by {
            Writer::Leader(epoch) if epoch < guard => StoreError::Stale,
            Writer::Leader(_) | Writer::Intent => StoreError::Conflict,
        })
    }

    async fn has(&self, collection: &'static str, key: &str) -> Result<bool, StoreError> {
        let docs = self.collection::<bson::Document>(collection);
        let filter = doc! { "_id": key };
        let found = self
            .run("look who has a key", async move {
                let look = docs.find_one(filter).projection(doc! { "_id": 1 });
                look.read_concern(ReadConcern::local()).await
            })
            .await?;
        Ok(found.is_some())
    }

    /// Returns which of the document's unique keys another one has.
    async fn taken(
        &self,
        collection: &'static str,
        row: &Stored,
    ) -> Result<Option<String>, StoreError> {
        let docs = self.collection::<Holder>(collection);
        let filter = doc! { "unique": { "$in": &row.unique }, "_id": { "$ne": &row.key } };
        let found = self
            .run("look who has a unique key", async move {
                let look = docs.find_one(filter).projection(doc! { "unique": 1 });
                look.read_concern(ReadConcern::local()).await
            })
            .await?;
        let held = found.map(|found| found.unique).unwrap_or_default();
        Ok(row.unique.iter().find(|own| held.contains(own)).cloned())
    }
}
