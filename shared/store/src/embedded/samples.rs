//! History of load.

use async_trait::async_trait;
use ccm_domain::{Timestamp, WorkerId};
use ccm_ports::{Sample, SampleStore, StoreError};
use rusqlite::Connection;

use super::Embedded;
use super::error::Fault;
use crate::number::limit as rows;

/// Of a coarse hour one sample is kept, in milliseconds.
const HOUR: i64 = 3_600_000;

#[async_trait]
impl SampleStore for Embedded {
    async fn add(&self, worker: WorkerId, sample: Sample) -> Result<(), StoreError> {
        self.write("add a sample", move |conn| {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO samples (worker, at, cpu, memory, disk, nodes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                worker.uuid().into_bytes(),
                sample.at.as_millis(),
                sample.cpu,
                sample.memory,
                sample.disk,
                sample.nodes,
            ))?;
            Ok(())
        })
        .await
    }

    async fn range(
        &self,
        worker: WorkerId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<Sample>, StoreError> {
        Self::read(self, "read samples", move |conn| {
            let mut found = conn.prepare_cached(
                "SELECT at, cpu, memory, disk, nodes FROM samples
                 WHERE worker = ?1 AND at >= ?2 AND at < ?3 ORDER BY at LIMIT ?4",
            )?;
            let range = (worker.uuid().into_bytes(), from.as_millis(), to.as_millis(), rows(limit));
            let samples = found.query_map(range, sample)?;
            Ok(samples.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Goes worker by worker, so that other writers need not wait for the whole history.
    async fn thin(&self, fine_from: Timestamp, coarse_from: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        for worker in Self::read(self, "list sampled workers", sampled).await? {
            gone += self
                .write("thin samples", move |conn| thin(conn, worker, fine_from, coarse_from))
                .await?;
        }
        Ok(gone)
    }

    async fn forget(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.write("forget samples", move |conn| {
            conn.prepare_cached("DELETE FROM samples WHERE worker = ?1")?
                .execute([worker.uuid().into_bytes()])?;
            Ok(())
        })
        .await
    }
}

fn sample(row: &rusqlite::Row<'_>) -> rusqlite::Result<Sample> {
    Ok(Sample {
        at: Timestamp::from_millis(row.get(0)?),
        cpu: row.get(1)?,
        memory: row.get(2)?,
        disk: row.get(3)?,
        nodes: row.get(4)?,
    })
}

/// Leaps from worker to worker instead of reading every sample, which `DISTINCT` would.
fn sampled(conn: &Connection) -> Result<Vec<[u8; 16]>, Fault> {
    let mut workers = conn.prepare_cached(
        "WITH RECURSIVE leap (worker) AS (
             SELECT min(worker) FROM samples
             UNION ALL
             SELECT (SELECT min(worker) FROM samples WHERE worker > leap.worker) FROM leap
             WHERE leap.worker IS NOT NULL
         )
         SELECT worker FROM leap WHERE worker IS NOT NULL",
    )?;
    let workers = workers.query_map([], |row| row.get(0))?;
    Ok(workers.collect::<Result<_, _>>()?)
}

fn thin(
    conn: &Connection,
    worker: [u8; 16],
    fine_from: Timestamp,
    coarse_from: Timestamp,
) -> Result<u64, Fault> {
    let old = conn
        .prepare_cached("DELETE FROM samples WHERE worker = ?1 AND at < ?2")?
        .execute((worker, coarse_from.as_millis()))?;
    let fine = conn
        .prepare_cached(
            "DELETE FROM samples WHERE worker = ?1 AND at < ?2 AND EXISTS (
                 SELECT 1 FROM samples AS first
                 WHERE first.worker = ?1 AND first.at < samples.at
                 AND first.at >= samples.at - samples.at % ?3
             )",
        )?
        .execute((worker, fine_from.as_millis(), HOUR))?;
    Ok((old + fine) as u64)
}
