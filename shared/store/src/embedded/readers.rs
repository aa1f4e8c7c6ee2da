//! Connections that only read, beside the one that writes.
//!
//! Each read sees the last commit at its begin and is neither delayed by a writer nor delays it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ccm_ports::StoreError;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::error::{Fault, classify, closed};
use super::tune;

/// Reads at the same time. SQLite answers from memory most of the time, so more would only cost memory.
const READERS: usize = 4;

/// Connections that wait for their next use; made when first needed.
pub(super) struct Readers {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Prepares a pool on a file that has its tables.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            turns: Arc::new(Semaphore::new(READERS)),
            idle: Arc::default(),
        }
    }

    /// Runs `work` on a thread that may block.
    pub(super) async fn run<T, W>(&self, op: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let turns = Arc::clone(&self.turns);
        let turn = turns.acquire_owned().await.map_err(|_| closed(op))?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || {
            let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let outcome = waiting.map_or_else(|| connect(&path), Ok).and_then(|conn| {
                let outcome = work(&conn)?;
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
                Ok(outcome)
            });
            // Given back here and not by the caller, who may have stopped waiting.
            drop(turn);
            outcome.map_err(|fault| classify(op, fault))
        });
        done.await.map_err(|_| closed(op))?
    }
}

fn connect(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    tune(&conn)?;
    Ok(conn)
}
