//! Documents of every type.

use std::collections::BTreeSet;

use anyhow::anyhow;
use async_trait::async_trait;
use ccm_domain::Epoch;
use ccm_events::Change;
use ccm_ports::{Collection, Document, Page, Query, StoreError, Writer};
use rusqlite::{Connection, OptionalExtension as _};

use super::Embedded;
use super::error::Fault;
use super::{list, newer, outbox};
use crate::carry::Known;
use crate::error::corrupt;
use crate::number::{counted, stored};

#[async_trait]
impl<D: Document> Collection<D> for Embedded {
    async fn find(&self, key: &str) -> Result<Option<D>, StoreError> {
        let key = key.to_owned();
        self.read("find a document", move |conn| {
            let body: Option<String> = conn
                .prepare_cached("SELECT body FROM docs WHERE coll = ?1 AND key = ?2")?
                .query_row((D::COLLECTION, &key), |row| row.get(0))
                .optional()?;
            body.map(|body| parse(&key, &body)).transpose()
        })
        .await
    }

    async fn list(&self, query: &Query) -> Result<Page<D>, StoreError> {
        let query = query.clone();
        self.read("list documents", move |conn| list::page(conn, &query)).await
    }

    async fn insert(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError> {
        let row = Row::of(doc, changes)?;
        if row.rev != 1 {
            return Err(StoreError::Corrupt(anyhow!("{row} is new and not at revision 1")));
        }
        self.write("insert a document", move |conn| row.insert(conn, by)).await
    }

    async fn put(&self, doc: &D, changes: &[Change], by: Writer) -> Result<(), StoreError> {
        let row = Row::of(doc, changes)?;
        if row.rev < 2 {
            return Err(StoreError::Corrupt(anyhow!("{row} is replaced at revision {}", row.rev)));
        }
        self.parts.fenced.note(self.write("put a document", move |conn| row.put(conn, by)).await)
    }

    async fn remove(&self, key: &str, rev: u64, by: Writer) -> Result<(), StoreError> {
        let key = key.to_owned();
        let removed = self.write("remove a document", move |conn| {
            remove(conn, Name { coll: D::COLLECTION, noun: D::NOUN, key: &key }, rev, by)
        });
        self.parts.fenced.note(removed.await)
    }
}

/// Reads a document back from its stored form.
pub(super) fn parse<D: Document>(key: &str, body: &str) -> Result<D, Fault> {
    serde_json::from_str(body)
        .map_err(|err| corrupt(format!("read {}/{key}", D::COLLECTION), err).into())
}

/// Which document.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) coll: &'static str,
    noun: &'static str,
    pub(super) key: &'a str,
}

/// A document with all that is written together with it, made before the writer is bothered.
pub(super) struct Row {
    coll: &'static str,
    noun: &'static str,
    key: String,
    pub(super) rev: u64,
    pub(super) body: String,
    /// What this build writes, and how it understands what is stored.
    pub(super) format: i64,
    pub(super) known: fn(&serde_json::Value) -> Result<Known, serde_json::Error>,
    fields: BTreeSet<(String, String)>,
    uniques: BTreeSet<String>,
    changes: Vec<outbox::Row>,
}

impl Row {
    fn of<D: Document>(doc: &D, changes: &[Change]) -> Result<Self, StoreError> {
        let key = doc.key();
        let body = serde_json::to_string(doc)
            .map_err(|err| corrupt(format!("write {}/{key}", D::COLLECTION), err))?;
        Ok(Self {
            coll: D::COLLECTION,
            noun: D::NOUN,
            key,
            rev: doc.rev(),
            body: newer::in_format(D::FORMAT, &body),
            format: stored(D::FORMAT)?,
            known: Known::of::<D>,
            fields: doc
                .fields()
                .into_iter()
                .map(|(field, value)| (field.to_owned(), value))
                .collect(),
            uniques: doc.unique().into_iter().collect(),
            changes: changes.iter().map(outbox::Row::of).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn name(&self) -> Name<'_> {
        Name { coll: self.coll, noun: self.noun, key: &self.key }
    }

    fn insert(&self, conn: &Connection, by: Writer) -> Result<(), Fault> {
        let guard = match by {
            Writer::Intent => Epoch::default(),
            Writer::Leader(epoch) => epoch,
        };
        let added = conn
            .prepare_cached(
                "INSERT INTO docs (coll, key, rev, guard, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((self.coll, &self.key, stored(self.rev)?, stored(guard.0)?, &self.body))?;
        if added == 0 {
            return Err(StoreError::Taken(self.key.clone()).into());
        }
        self.index(conn, None)
    }

    fn put(&self, conn: &Connection, by: Writer) -> Result<(), Fault> {
        let (rev, before) = (stored(self.rev)?, stored(self.rev - 1)?);
        let replaced = match by {
            Writer::Intent => conn
                .prepare_cached(
                    "UPDATE docs SET rev = ?3, body = ?4 WHERE coll = ?1 AND key = ?2 AND rev = ?5
                     AND coalesce(json_extract(body, '$.format'), 1) <= ?6",
                )?
                .execute((self.coll, &self.key, rev, &self.body, before, self.format))?,
            Writer::Leader(epoch) => conn
                .prepare_cached(
                    "UPDATE docs SET rev = ?3, body = ?4, guard = ?6
                     WHERE coll = ?1 AND key = ?2 AND rev = ?5 AND guard <= ?6
                     AND coalesce(json_extract(body, '$.format'), 1) <= ?7",
                )?
                .execute((
                    self.coll,
                    &self.key,
                    rev,
                    &self.body,
                    before,
                    stored(epoch.0)?,
                    self.format,
                ))?,
        };
        if replaced == 0 {
            return self.put_over_newer(conn, by);
        }
        self.index(conn, None)
    }

    /// Writes over what a later release wrote, or finds out that this is not the reason.
    fn put_over_newer(&self, conn: &Connection, by: Writer) -> Result<(), Fault> {
        let Some(newer) = newer::carried(conn, self, by)? else {
            return Err(refusal(conn, self.name(), by)?.into());
        };
        conn.prepare_cached(
            "UPDATE docs SET rev = ?3, body = ?4, guard = ?5 WHERE coll = ?1 AND key = ?2",
        )?
        .execute((self.coll, &self.key, stored(self.rev)?, &newer.body, newer.guard))?;
        self.index(conn, Some(&newer.known))
    }

    /// Writes what changed among index fields and unique keys, and appends the changes.
    ///
    /// Of what a later release wrote only what is `known` here is touched.
    fn index(&self, conn: &Connection, known: Option<&Known>) -> Result<(), Fault> {
        self.index_fields(conn, known)?;
        self.index_uniques(conn)?;
        self.changes.iter().try_for_each(|change| change.append(conn, self.coll, &self.key))
    }

    fn index_fields(&self, conn: &Connection, known: Option<&Known>) -> Result<(), Fault> {
        let mut before: BTreeSet<(String, String)> = conn
            .prepare_cached("SELECT field, value FROM fields WHERE coll = ?1 AND key = ?2")?
            .query_map((self.coll, &self.key), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        if let Some(known) = known {
            before.retain(|(field, _)| known.fields.contains(&**field));
        }
        for (field, value) in before.difference(&self.fields) {
            conn.prepare_cached(
                "DELETE FROM fields WHERE coll = ?1 AND field = ?2 AND value = ?3 AND key = ?4",
            )?
            .execute((self.coll, field, value, &self.key))?;
        }
        for (field, value) in self.fields.difference(&before) {
            conn.prepare_cached(
                "INSERT INTO fields (coll, field, value, key) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((self.coll, field, value, &self.key))?;
        }
        Ok(())
    }

    fn index_uniques(&self, conn: &Connection) -> Result<(), Fault> {
        let before: BTreeSet<String> = conn
            .prepare_cached("SELECT value FROM uniques WHERE coll = ?1 AND key = ?2")?
            .query_map((self.coll, &self.key), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for value in before.difference(&self.uniques) {
            conn.prepare_cached("DELETE FROM uniques WHERE coll = ?1 AND value = ?2")?
                .execute((self.coll, value))?;
        }
        for value in self.uniques.difference(&before) {
            let added = conn
                .prepare_cached(
                    "INSERT INTO uniques (coll, value, key) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO NOTHING",
                )?
                .execute((self.coll, value, &self.key))?;
            if added == 0 {
                return Err(StoreError::Taken(value.clone()).into());
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.coll, self.key)
    }
}

fn remove(conn: &Connection, name: Name<'_>, rev: u64, by: Writer) -> Result<(), Fault> {
    // An intent is not fenced, so any guard will do.
    let most = match by {
        Writer::Intent => i64::MAX,
        Writer::Leader(epoch) => stored(epoch.0)?,
    };
    let removed = conn
        .prepare_cached(
            "DELETE FROM docs WHERE coll = ?1 AND key = ?2 AND rev = ?3 AND guard <= ?4
             AND NOT EXISTS (SELECT 1 FROM changes WHERE coll = ?1 AND key = ?2)",
        )?
        .execute((name.coll, name.key, stored(rev)?, most))?;
    if removed == 0 {
        return Err(refusal(conn, name, by)?.into());
    }
    for sql in [
        "DELETE FROM fields WHERE coll = ?1 AND key = ?2",
        "DELETE FROM uniques WHERE coll = ?1 AND key = ?2",
    ] {
        conn.prepare_cached(sql)?.execute((name.coll, name.key))?;
    }
    Ok(())
}

/// Finds out, within the same transaction, why a write matched nothing.
fn refusal(conn: &Connection, name: Name<'_>, by: Writer) -> Result<StoreError, Fault> {
    let guard: Option<i64> = conn
        .prepare_cached("SELECT guard FROM docs WHERE coll = ?1 AND key = ?2")?
        .query_row((name.coll, name.key), |row| row.get(0))
        .optional()?;
    let Some(guard) = guard else {
        return Ok(StoreError::NotFound(name.noun));
    };
    let guard = Epoch(counted(guard)?);
    Ok(match by {
        Writer::Leader(epoch) if epoch < guard => StoreError::Stale,
        Writer::Leader(_) | Writer::Intent => StoreError::Conflict,
    })
}
