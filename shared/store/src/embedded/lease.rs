//! Leases by compare-and-set, and the seal.

use async_trait::async_trait;
use ccm_domain::Epoch;
use ccm_ports::{LeaseRecord, LeaseRole, LeaseStore, SEALED, StoreError};
use rusqlite::{Connection, OptionalExtension as _};

use super::Embedded;
use super::error::Fault;
use crate::number::{counted, stored};

/// Documents sealed in one transaction, so that a renewal need not wait for a large fleet.
const MOST_AT_ONCE: i64 = 500;

#[async_trait]
impl LeaseStore for Embedded {
    async fn read(&self, role: LeaseRole) -> Result<Option<LeaseRecord>, StoreError> {
        Self::read(self, "read a lease", move |conn| read(conn, role)).await
    }

    async fn take(
        &self,
        role: LeaseRole,
        seen: Option<&LeaseRecord>,
        holder: &str,
    ) -> Result<Epoch, StoreError> {
        let seen = seen.map(|seen| (seen.epoch, seen.renewals));
        let holder = holder.to_owned();
        self.write("take a lease", move |conn| take(conn, role, seen, &holder)).await
    }

    async fn renew(&self, role: LeaseRole, epoch: Epoch) -> Result<(), StoreError> {
        let sql = "UPDATE leases SET renewals = renewals + 1
                   WHERE role = ?1 AND epoch = ?2 AND released = 0";
        self.write("renew a lease", move |conn| touch(conn, sql, role, epoch)).await
    }

    async fn release(&self, role: LeaseRole, epoch: Epoch) -> Result<(), StoreError> {
        let sql = "UPDATE leases SET released = 1 WHERE role = ?1 AND epoch = ?2";
        self.write("release a lease", move |conn| touch(conn, sql, role, epoch)).await
    }

    async fn seal(&self, epoch: Epoch) -> Result<u64, StoreError> {
        let mut below = 0;
        for coll in SEALED {
            loop {
                let some =
                    self.write("seal documents", move |conn| seal(conn, coll, epoch)).await?;
                if some == 0 {
                    break;
                }
                below += some;
            }
        }
        Ok(below)
    }
}

fn read(conn: &Connection, role: LeaseRole) -> Result<Option<LeaseRecord>, Fault> {
    let found: Option<(i64, String, i64, bool)> = conn
        .prepare_cached("SELECT epoch, holder, renewals, released FROM leases WHERE role = ?1")?
        .query_row([role.name()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((epoch, holder, renewals, released)) = found else { return Ok(None) };
    let epoch = Epoch(counted(epoch)?);
    Ok(Some(LeaseRecord { role, epoch, holder, renewals: counted(renewals)?, released }))
}

fn take(
    conn: &Connection,
    role: LeaseRole,
    seen: Option<(Epoch, u64)>,
    holder: &str,
) -> Result<Epoch, Fault> {
    let (next, taken) = match seen {
        None => {
            let first = conn.prepare_cached(
                "INSERT INTO leases (role, epoch, holder, renewals, released)
                 VALUES (?1, 1, ?2, 0, 0) ON CONFLICT DO NOTHING",
            );
            (1, first?.execute((role.name(), holder))?)
        }
        Some((epoch, renewals)) => {
            let next = stored(epoch.0)? + 1;
            let over = conn.prepare_cached(
                "UPDATE leases SET epoch = ?2, holder = ?3, renewals = 0, released = 0
                 WHERE role = ?1 AND epoch = ?4 AND renewals = ?5",
            );
            let was = (stored(epoch.0)?, stored(renewals)?);
            (next, over?.execute((role.name(), next, holder, was.0, was.1))?)
        }
    };
    if taken == 0 {
        return Err(StoreError::Conflict.into());
    }
    Ok(Epoch(counted(next)?))
}

/// Changes the lease if `epoch` holds it.
fn touch(conn: &Connection, sql: &str, role: LeaseRole, epoch: Epoch) -> Result<(), Fault> {
    let touched = conn.prepare_cached(sql)?.execute((role.name(), stored(epoch.0)?))?;
    if touched == 0 { Err(StoreError::Stale.into()) } else { Ok(()) }
}

fn seal(conn: &Connection, coll: &str, epoch: Epoch) -> Result<u64, Fault> {
    let sealed = conn
        .prepare_cached(
            "UPDATE docs SET guard = ?2 WHERE rowid IN
             (SELECT rowid FROM docs WHERE coll = ?1 AND guard < ?2 LIMIT ?3)",
        )?
        .execute((coll, stored(epoch.0)?, MOST_AT_ONCE))?;
    Ok(sealed as u64)
}
