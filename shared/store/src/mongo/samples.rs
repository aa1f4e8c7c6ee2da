//! History of load. The key is worker and moment, so that every range is one of the key itself.

use async_trait::async_trait;
use ccm_domain::{Timestamp, WorkerId};
use ccm_ports::{Sample, SampleStore, StoreError};
use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};

use super::Mongo;
use super::error::Fault;
use crate::number::limit as rows;

const SAMPLES: &str = "samples";

/// Of a coarse hour one sample is kept, in milliseconds.
const HOUR: i64 = 3_600_000;

/// Samples forgotten by one call.
const MOST_AT_ONCE: usize = 1_000;

/// A sample as it is stored.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    key: Key,
    cpu: Option<f64>,
    memory: Option<f64>,
    disk: Option<f64>,
    nodes: Option<u32>,
}

/// Compared as a whole and in this order: worker first, so that a worker's samples are one range.
#[derive(Serialize, Deserialize)]
struct Key {
    worker: String,
    at: DateTime,
}

/// What is asked for when only the key is wanted.
#[derive(Deserialize)]
struct KeyOnly {
    #[serde(rename = "_id")]
    key: Key,
}

#[async_trait]
impl SampleStore for Mongo {
    async fn add(&self, worker: WorkerId, sample: Sample) -> Result<(), StoreError> {
        loop {
            let samples = self.collection::<Row>(SAMPLES);
            let Sample { at, cpu, memory, disk, nodes } = sample;
            let key = Key { worker: worker.to_string(), at: date(at) };
            let same = doc! { "_id": place(worker, at) };
            let row = Row { key, cpu, memory, disk, nodes };
            let added =
                self.run("add a sample", async move {
                    samples.replace_one(same, row).upsert(true).await
                })
                .await;
            match added {
                Ok(_) => return Ok(()),
                // Another one added it at the same moment, so now it is there to be replaced.
                Err(Fault::Duplicate) => {}
                Err(Fault::Failed(err)) => return Err(err),
            }
        }
    }

    async fn range(
        &self,
        worker: WorkerId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Sample>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let samples = self.collection::<Row>(SAMPLES);
        let range = range(worker, from, to);
        let found: Vec<Row> = self
            .run("read samples", async move {
                let page = samples.find(range).sort(doc! { "_id": 1 });
                page.limit(rows(limit)).await?.try_collect().await
            })
            .await?;
        let sample = |row: Row| {
            let Row { key, cpu, memory, disk, nodes } = row;
            let at = Timestamp::from_millis(key.at.timestamp_millis());
            Sample { at, cpu, memory, disk, nodes }
        };
        Ok(found.into_iter().map(sample).collect())
    }

    /// Goes worker by worker, so that each call ends in time.
    async fn thin(&self, fine_from: Timestamp, coarse_from: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        let mut last = String::new();
        while let Some(worker) = self.sampled_after(last).await? {
            gone +=
                self.forget_range(&worker, Timestamp::from_millis(i64::MIN), coarse_from).await?;
            gone += self.thin_one(&worker, coarse_from, fine_from).await?;
            last = worker;
        }
        Ok(gone)
    }

    async fn forget(&self, worker: WorkerId) -> Result<(), StoreError> {
        let [first, last] = [i64::MIN, i64::MAX].map(Timestamp::from_millis);
        self.forget_range(&worker.to_string(), first, last).await.map(drop)
    }
}

impl Mongo {
    /// Returns the next worker that has samples, leaping over those of the one before.
    async fn sampled_after(&self, worker: String) -> Result<Option<String>, StoreError> {
        let samples = self.collection::<KeyOnly>(SAMPLES);
        let behind = doc! { "_id": { "$gt": { "worker": worker, "at": DateTime::MAX } } };
        let found = self
            .run("list sampled workers", async move {
                let next = samples.find_one(behind).sort(doc! { "_id": 1 });
                next.projection(doc! { "_id": 1 }).await
            })
            .await?;
        Ok(found.map(|row| row.key.worker))
    }

    async fn forget_range(
        &self,
        worker: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u64, StoreError> {
        let samples = self.collection::<Document>(SAMPLES);
        let range = range(worker, from, to);
        let forgotten =
            self.run("forget samples", async move { samples.delete_many(range).await }).await?;
        Ok(forgotten.deleted_count)
    }

    /// Keeps of each hour the first.
    async fn thin_one(
        &self,
        worker: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u64, StoreError> {
        let samples = self.collection::<KeyOnly>(SAMPLES);
        let range = range(worker, from, to);
        let found: Vec<KeyOnly> = self
            .run("look what can be thinned", async move {
                let keys = samples.find(range).sort(doc! { "_id": 1 });
                keys.projection(doc! { "_id": 1 }).await?.try_collect().await
            })
            .await?;
        let mut hour = None;
        let mut surplus = Vec::new();
        for KeyOnly { key } in found {
            let own = Some(key.at.timestamp_millis().div_euclid(HOUR));
            if hour == own {
                surplus.push(place(&key.worker, Timestamp::from_millis(key.at.timestamp_millis())));
            }
            hour = own;
        }
        let mut gone = 0;
        for some in surplus.chunks(MOST_AT_ONCE) {
            let samples = self.collection::<Document>(SAMPLES);
            let filter = doc! { "_id": { "$in": some } };
            let thinned =
                self.run("thin samples", async move { samples.delete_many(filter).await }).await?;
            gone += thinned.deleted_count;
        }
        Ok(gone)
    }
}

fn range(worker: impl std::fmt::Display, from: Timestamp, to: Timestamp) -> Document {
    doc! { "_id": { "$gte": place(&worker, from), "$lt": place(&worker, to) } }
}

fn place(worker: impl std::fmt::Display, at: Timestamp) -> Document {
    doc! { "worker": worker.to_string(), "at": date(at) }
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millis())
}
