//! Counters are unsigned here and signed in SQLite.

use anyhow::anyhow;
use ccm_ports::StoreError;

use super::error::Fault;

/// Returns the number as SQLite stores it.
pub(super) fn stored(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| beyond(number))
}

/// Returns a stored counter.
pub(super) fn counted(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| beyond(number))
}

/// Returns how many rows are wanted at most.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn beyond(number: impl std::fmt::Display) -> Fault {
    StoreError::Corrupt(anyhow!("{number} is no counter that the store can keep")).into()
}
