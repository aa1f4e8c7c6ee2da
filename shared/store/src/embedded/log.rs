//! The event log: every change told, at its place for ever.

use anyhow::anyhow;
use async_trait::async_trait;
use ccm_events::Change;
use ccm_ports::{EventLog, Logged, StoreError};
use rusqlite::{Connection, OptionalExtension as _};

use super::Embedded;
use super::error::Fault;
use super::outbox;
use crate::number::{counted, limit as rows, stored};

/// Entries forgotten in one transaction, so that other writers need not wait for a long one.
const MOST_AT_ONCE: i64 = 1_000;

#[async_trait]
impl EventLog for Embedded {
    async fn head(&self) -> Result<u64, StoreError> {
        self.read("read the log's head", head).await
    }

    async fn oldest(&self) -> Result<u64, StoreError> {
        self.read("read the log's oldest entry", |conn| {
            let oldest = conn
                .prepare_cached(
                    "SELECT coalesce((SELECT min(seq) FROM events), head + 1) FROM log",
                )?
                .query_row([], |row| row.get(0))?;
            Ok(counted(oldest)?)
        })
        .await
    }

    async fn append(&self, after: u64, changes: &[Change]) -> Result<Vec<Logged>, StoreError> {
        let rows: Vec<_> = changes.iter().map(outbox::Row::of).collect::<Result<_, _>>()?;
        let places =
            self.write("append to the log", move |conn| append(conn, after, &rows)).await?;
        let logged = |(seq, change): (u64, &Change)| Logged { seq, change: change.clone() };
        Ok(places.into_iter().zip(changes).map(logged).collect())
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        // Behind any number that was ever given out there is nothing.
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        Self::read(self, "read the log", move |conn| {
            let mut entries = conn.prepare_cached(
                "SELECT seq, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let mut found = entries.query([after, rows(limit)])?;
            let mut logged = Vec::new();
            while let Some(row) = found.next()? {
                let body: String = row.get(1)?;
                logged.push(Logged { seq: counted(row.get(0)?)?, change: outbox::parse(&body)? });
            }
            Ok(logged)
        })
        .await
    }

    async fn trim(&self, keep_from: u64) -> Result<u64, StoreError> {
        let keep_from = i64::try_from(keep_from).unwrap_or(i64::MAX);
        let mut gone = 0;
        loop {
            let some = self.write("trim the log", move |conn| trim(conn, keep_from)).await?;
            if some == 0 {
                return Ok(gone);
            }
            gone += some;
        }
    }
}

fn head(conn: &Connection) -> Result<u64, Fault> {
    let head = conn.prepare_cached("SELECT head FROM log")?.query_row([], |row| row.get(0))?;
    Ok(counted(head)?)
}

/// Gives each change its place: the one that it has, or the next.
fn append(conn: &Connection, after: u64, changes: &[outbox::Row]) -> Result<Vec<u64>, Fault> {
    if head(conn)? != after {
        return Err(StoreError::Conflict.into());
    }
    let mut end = after;
    let mut places = Vec::with_capacity(changes.len());
    for change in changes {
        let known: Option<i64> = conn
            .prepare_cached("SELECT seq FROM events WHERE change_id = ?1")?
            .query_row([&change.id], |row| row.get(0))
            .optional()?;
        if let Some(seq) = known {
            places.push(counted(seq)?);
            continue;
        }
        end = end.checked_add(1).ok_or_else(|| StoreError::Corrupt(anyhow!("the log is full")))?;
        conn.prepare_cached("INSERT INTO events (seq, change_id, body) VALUES (?1, ?2, ?3)")?
            .execute((stored(end)?, &change.id, &change.body))?;
        places.push(end);
    }
    conn.prepare_cached("UPDATE log SET head = ?1")?.execute([stored(end)?])?;
    Ok(places)
}

fn trim(conn: &Connection, keep_from: i64) -> Result<u64, Fault> {
    let gone = conn
        .prepare_cached(
            "DELETE FROM events WHERE seq IN
             (SELECT seq FROM events WHERE seq < ?1 ORDER BY seq LIMIT ?2)",
        )?
        .execute([keep_from, MOST_AT_ONCE])?;
    Ok(gone as u64)
}
