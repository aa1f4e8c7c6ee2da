//! The tables and how a file of an earlier version gets them.
//!
//! A migration is never changed once released; a new one is added behind it. All that are missing are
//! applied in one transaction, so a process that dies in between has changed nothing.

use anyhow::anyhow;
use ccm_ports::StoreError;
use rusqlite::Connection;

use super::error::Fault;

/// Marks a SQLite file as ours, "ccm1" in ASCII, so that a wrong path is not filled with our tables.
const APPLICATION: i32 = 0x6363_6d31;

/// Name and SQL of each version, beginning with version 1.
const MIGRATIONS: &[(&str, &str)] = &[("documents", include_str!("schema/0001_documents.sql"))];

/// Refuses a file of another program, before anything is changed in it.
pub(super) fn recognize(conn: &Connection) -> Result<(), Fault> {
    let application: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && tables > 0 {
        let reason = anyhow!("the file is a SQLite database of another program");
        return Err(StoreError::Corrupt(reason).into());
    }
    Ok(())
}

/// Brings the tables to the version of this build.
pub(super) fn migrate(conn: &Connection) -> Result<(), Fault> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    match apply_missing(conn) {
        Ok(()) => Ok(conn.execute_batch("COMMIT")?),
        Err(fault) => {
            conn.execute_batch("ROLLBACK")?;
            Err(fault)
        }
    }
}

fn apply_missing(conn: &Connection) -> Result<(), Fault> {
    conn.pragma_update(None, "application_id", APPLICATION)?;
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
            version INTEGER PRIMARY KEY,
            name    TEXT NOT NULL,
            applied TEXT NOT NULL DEFAULT (datetime('now'))
        ) STRICT",
    )?;
    let found: i64 =
        conn.query_row("SELECT coalesce(max(version), 0) FROM migrations", [], |row| row.get(0))?;
    let known = MIGRATIONS.len();
    let Some(missing) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..))
    else {
        let reason = anyhow!(
            "the file has tables of version {found}, this build knows {known}: a later release wrote it"
        );
        return Err(StoreError::Corrupt(reason).into());
    };
    for (version, (name, sql)) in (found + 1..).zip(missing) {
        conn.execute_batch(sql)?;
        conn.execute("INSERT INTO migrations (version, name) VALUES (?1, ?2)", (version, name))?;
        tracing::info!("the store has the tables of version {version} ({name})");
    }
    Ok(())
}
