//! Bodies say in which format they were written; one of a later release is not simply replaced.

use ccm_ports::Writer;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use super::collection::Row;
use super::error::Fault;
use crate::carry::{self, Known};
use crate::error::corrupt;
use crate::number::stored;

/// The member of a body that says its format; bodies without one are of the first.
const FORMAT: &str = "format";

/// What is written over a document of a later release.
pub(super) struct Newer {
    pub(super) body: String,
    pub(super) guard: i64,
    /// What this build understood of what was there.
    pub(super) known: Known,
}

/// Adds the format to a body, which is an object with members.
pub(super) fn in_format(format: u64, body: &str) -> String {
    let members = body.strip_prefix('{').unwrap_or(body);
    format!("{{\"{FORMAT}\":{format},{members}")
}

/// Returns what to write when a later release wrote what is there, and that alone was in the way.
pub(super) fn carried(conn: &Connection, row: &Row, by: Writer) -> Result<Option<Newer>, Fault> {
    let name = row.name();
    let found: Option<(i64, i64, String)> = conn
        .prepare_cached("SELECT rev, guard, body FROM docs WHERE coll = ?1 AND key = ?2")?
        .query_row((name.coll, name.key), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((rev, guard, body)) = found else { return Ok(None) };
    let guard = match by {
        Writer::Intent => guard,
        Writer::Leader(epoch) if guard <= stored(epoch.0)? => stored(epoch.0)?,
        Writer::Leader(_) => return Ok(None),
    };
    let failed = |err| corrupt(format!("read {}/{}", name.coll, name.key), err);
    let there: Value = serde_json::from_str(&body).map_err(failed)?;
    let format = there.get(FORMAT).cloned().unwrap_or_default();
    if rev != stored(row.rev - 1)? || format.as_i64().is_none_or(|format| format <= row.format) {
        return Ok(None);
    }
    let known = (row.known)(&there).map_err(failed)?;
    let mut wanted: Value = serde_json::from_str(&row.body).map_err(failed)?;
    carry::over(there, &known.body, &mut wanted);
    wanted[FORMAT] = format;
    Ok(Some(Newer { body: wanted.to_string(), guard, known }))
}
