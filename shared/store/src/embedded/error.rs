//! The only place where SQLite's errors get a meaning.

use std::sync::Arc;

use anyhow::anyhow;
use ccm_ports::StoreError;
use rusqlite::ErrorCode;

/// Why a piece of work inside a transaction stopped.
#[derive(Debug)]
pub(super) enum Fault {
    /// The work itself refuses; the store is well.
    Refused(StoreError),
    /// SQLite failed.
    Sql(rusqlite::Error),
}

impl From<StoreError> for Fault {
    fn from(err: StoreError) -> Self {
        Self::Refused(err)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(err: rusqlite::Error) -> Self {
        Self::Sql(err)
    }
}

/// Gives a fault its meaning; `op` says what was attempted.
pub(super) fn classify(op: &'static str, fault: Fault) -> StoreError {
    match fault {
        Fault::Refused(err) => err,
        Fault::Sql(err) => reaction(&err)(anyhow::Error::new(err).context(op)),
    }
}

/// Gives the failure of a whole commit its meaning, once for each command that was in it.
pub(super) fn classify_commit(op: &'static str, err: &Arc<rusqlite::Error>) -> StoreError {
    reaction(err)(anyhow::Error::new(Arc::clone(err)).context(op))
}

/// The writer or the pool of readers has ended; only an orderly stop or a defect comes to this.
pub(super) fn closed(op: &'static str) -> StoreError {
    StoreError::Unavailable(anyhow!("the store is closed").context(op))
}

/// Something went wrong with a file beside the database.
pub(super) fn file(what: String, err: std::io::Error) -> StoreError {
    StoreError::Unavailable(anyhow::Error::new(err).context(what))
}

/// What time, space or permissions can mend is `Unavailable`; all else is a damaged file or a defect.
fn reaction(err: &rusqlite::Error) -> fn(anyhow::Error) -> StoreError {
    match err.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::SchemaChanged,
        ) => StoreError::Unavailable,
        _ => StoreError::Corrupt,
    }
}
