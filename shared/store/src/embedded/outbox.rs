//! Changes not yet told: rows that are written in the transaction of their document.

use async_trait::async_trait;
use ccm_events::Change;
use ccm_ports::{Outbox, Pending, StoreError};
use rusqlite::Connection;

use super::Embedded;
use super::error::Fault;
use crate::error::corrupt;
use crate::number::{counted, limit as rows};

/// A change as it is stored.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) body: String,
}

impl Row {
    pub(super) fn of(change: &Change) -> Result<Self, StoreError> {
        let body = serde_json::to_string(change)
            .map_err(|err| corrupt(format!("write the change {}", change.id), err))?;
        Ok(Self { id: change.id.clone(), body })
    }

    /// Adds the change behind all others.
    pub(super) fn append(&self, conn: &Connection, coll: &str, key: &str) -> Result<(), Fault> {
        conn.prepare_cached(
            "INSERT INTO changes (coll, key, change_id, body) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((coll, key, &self.id, &self.body))?;
        Ok(())
    }
}

/// Reads a change back from its stored form.
pub(super) fn parse(body: &str) -> Result<Change, Fault> {
    serde_json::from_str(body).map_err(|err| corrupt("read a change", err).into())
}

#[async_trait]
impl Outbox for Embedded {
    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        self.read("read the outbox", move |conn| pending(conn, limit)).await
    }

    async fn told(&self, told: &[Pending]) -> Result<(), StoreError> {
        let name = |pending: &Pending| (pending.collection.clone(), pending.key.clone());
        let ids =
            |pending: &Pending| pending.changes.iter().map(|change| change.id.clone()).collect();
        let told: Vec<(_, Vec<String>)> = told.iter().map(|one| (name(one), ids(one))).collect();
        self.write("take changes out of the outbox", move |conn| {
            let mut take = conn.prepare_cached(
                "DELETE FROM changes WHERE coll = ?1 AND key = ?2 AND change_id = ?3",
            )?;
            for ((collection, key), ids) in &told {
                for id in ids {
                    take.execute((collection, key, id))?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn backlog(&self) -> Result<u64, StoreError> {
        self.read("count the outbox", |conn| {
            let waiting = conn
                .prepare_cached("SELECT count(*) FROM changes")?
                .query_row([], |row| row.get(0))?;
            Ok(counted(waiting)?)
        })
        .await
    }
}

/// The oldest changes in the order of their commits, gathered by document.
fn pending(conn: &Connection, limit: usize) -> Result<Vec<Pending>, Fault> {
    let mut oldest =
        conn.prepare_cached("SELECT coll, key, body FROM changes ORDER BY id LIMIT ?1")?;
    let mut found = oldest.query([rows(limit)])?;
    let mut documents: Vec<Pending> = Vec::new();
    let mut places = std::collections::HashMap::new();
    while let Some(row) = found.next()? {
        let name: (String, String) = (row.get(0)?, row.get(1)?);
        let body: String = row.get(2)?;
        let change = parse(&body)?;
        let place = *places.entry(name).or_insert_with_key(|(collection, key)| {
            documents.push(Pending {
                collection: collection.clone(),
                key: key.clone(),
                changes: Vec::new(),
            });
            documents.len() - 1
        });
        documents[place].changes.push(change);
    }
    Ok(documents)
}
