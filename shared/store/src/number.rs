//! Counters are unsigned here and signed in every database.

use anyhow::anyhow;
use ccm_ports::StoreError;

/// Returns the number as a database stores it.
pub(crate) fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| beyond(number))
}

/// Returns a stored counter.
pub(crate) fn counted(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| beyond(number))
}

/// Returns how many rows are wanted at most.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn beyond(number: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(anyhow!("{number} is no counter that the store can keep"))
}
