//! Leases by compare-and-set, and the seal.

use async_trait::async_trait;
use ccm_domain::Epoch;
use ccm_ports::{LeaseRecord, LeaseRole, LeaseStore, SEALED, StoreError};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use mongodb::options::ReadConcern;
use serde::{Deserialize, Serialize};

use super::Mongo;
use super::error::Fault;
use crate::number::{counted, stored};

const LEASES: &str = "leases";

/// Documents sealed by one call, so that a large fleet is sealed in steps that each end in time.
const MOST_AT_ONCE: u32 = 1_000;

/// A lease as it is stored.
#[derive(Serialize, Deserialize)]
struct Lease {
    #[serde(rename = "_id")]
    role: LeaseRole,
    epoch: i64,
    holder: String,
    renewals: i64,
    released: bool,
}

/// What is asked for when only the key is wanted.
#[derive(Deserialize)]
struct Key {
    #[serde(rename = "_id")]
    key: String,
}

#[async_trait]
impl LeaseStore for Mongo {
    async fn read(&self, role: LeaseRole) -> Result<Option<LeaseRecord>, StoreError> {
        let leases = self.collection::<Lease>(LEASES);
        let filter = doc! { "_id": role.name() };
        let found = self.run("read a lease", async move { leases.find_one(filter).await }).await?;
        let Some(Lease { role, epoch, holder, renewals, released }) = found else {
            return Ok(None);
        };
        let epoch = Epoch(counted(epoch)?);
        Ok(Some(LeaseRecord { role, epoch, holder, renewals: counted(renewals)?, released }))
    }

    async fn take(
        &self,
        role: LeaseRole,
        seen: Option<&LeaseRecord>,
        holder: &str,
    ) -> Result<Epoch, StoreError> {
        match seen {
            None => self.take_first(role, holder).await,
            Some(seen) => self.take_over(seen, holder).await,
        }
    }

    async fn renew(&self, role: LeaseRole, epoch: Epoch) -> Result<(), StoreError> {
        let held = doc! { "_id": role.name(), "epoch": stored(epoch.0)?, "released": false };
        self.touch("renew a lease", held, doc! { "$inc": { "renewals": 1_i64 } }).await
    }

    async fn release(&self, role: LeaseRole, epoch: Epoch) -> Result<(), StoreError> {
        let held = doc! { "_id": role.name(), "epoch": stored(epoch.0)? };
        self.touch("release a lease", held, doc! { "$set": { "released": true } }).await
    }

    async fn seal(&self, epoch: Epoch) -> Result<u64, StoreError> {
        let mut below = 0;
        for collection in SEALED {
            below += self.seal_all(collection, epoch).await?;
        }
        Ok(below)
    }
}

impl Mongo {
    async fn take_first(&self, role: LeaseRole, holder: &str) -> Result<Epoch, StoreError> {
        let leases = self.collection::<Lease>(LEASES);
        let first =
            Lease { role, epoch: 1, holder: holder.to_owned(), renewals: 0, released: false };
        match self.run("take a lease", async move { leases.insert_one(first).await }).await {
            Ok(_) => Ok(Epoch(1)),
            Err(Fault::Duplicate) => Err(StoreError::Conflict),
            Err(Fault::Failed(err)) => Err(err),
        }
    }

    async fn take_over(&self, seen: &LeaseRecord, holder: &str) -> Result<Epoch, StoreError> {
        let leases = self.collection::<Document>(LEASES);
        let next = Epoch(seen.epoch.0.saturating_add(1));
        let as_seen = doc! {
            "_id": seen.role.name(),
            "epoch": stored(seen.epoch.0)?,
            "renewals": stored(seen.renewals)?,
        };
        let taken = doc! { "$set": {
            "epoch": stored(next.0)?, "holder": holder, "renewals": 0_i64, "released": false,
        } };
        let over = self
            .run("take a lease", async move { leases.update_one(as_seen, taken).await })
            .await?;
        if over.matched_count == 0 { Err(StoreError::Conflict) } else { Ok(next) }
    }

    /// Changes a lease if it is held.
    async fn touch(
        &self,
        op: &'static str,
        held: Document,
        change: Document,
    ) -> Result<(), StoreError> {
        let leases = self.collection::<Document>(LEASES);
        let touched = self.run(op, async move { leases.update_one(held, change).await }).await?;
        if touched.matched_count == 0 { Err(StoreError::Stale) } else { Ok(()) }
    }

    /// Seals until a write that is not bounded finds nothing below, which is the proof that nothing is.
    async fn seal_all(&self, collection: &'static str, epoch: Epoch) -> Result<u64, StoreError> {
        let guard = stored(epoch.0)?;
        let mut below = 0;
        loop {
            let some = self.some_below(collection, guard).await?;
            let is_last = some.len() < MOST_AT_ONCE as usize;
            let mut filter = doc! { "guard": { "$lt": guard } };
            if !is_last {
                filter.insert("_id", doc! { "$in": some });
            }
            let docs = self.collection::<Document>(collection);
            let seal = doc! { "$set": { "guard": guard } };
            let sealed = self
                .run("seal documents", async move { docs.update_many(filter, seal).await })
                .await?;
            below += sealed.modified_count;
            if is_last && sealed.matched_count == 0 {
                return Ok(below);
            }
        }
    }

    async fn some_below(
        &self,
        collection: &'static str,
        guard: i64,
    ) -> Result<Vec<String>, StoreError> {
        let docs = self.collection::<Key>(collection);
        let filter = doc! { "guard": { "$lt": guard } };
        let keys: Vec<Key> = self
            .run("look what is to be sealed", async move {
                let some = docs.find(filter).projection(doc! { "_id": 1 });
                let some = some.limit(MOST_AT_ONCE.into()).batch_size(MOST_AT_ONCE);
                some.read_concern(ReadConcern::local()).await?.try_collect().await
            })
            .await?;
        Ok(keys.into_iter().map(|key| key.key).collect())
    }
}
