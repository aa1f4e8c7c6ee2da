//! One process a file.
//!
//! SQLite itself would allow several. But then every process would have its own idea of who is woken by a
//! commit, and its own in-process bus: each would tell only its own clients. So a second process is refused
//! at once, with the first one's number, instead of half working. The kernel drops the lock with the
//! process, however that ends.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use ccm_ports::StoreError;

use super::error::file;

/// Holds the file for this process until it is dropped.
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock beside the database at `path`.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let place = super::beside(path, "lock");
        let failed = |err| file(format!("lock {}", place.display()), err);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&place);
        let lock = open.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => note_holder(&lock).map_err(failed)?,
            Err(TryLockError::Error(err)) => return Err(failed(err)),
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&place).unwrap_or_default();
                let (path, holder) = (path.display(), holder.trim());
                let reason = anyhow!("{path} is in use by process {holder}");
                return Err(StoreError::Unavailable(reason));
            }
        }
        Ok(Self { file: lock })
    }
}

impl Drop for Lock {
    /// Gives the lock back, which closing the file alone does not while a child of this process is on its way from
    /// fork to exec: it shares the open file until then.
    fn drop(&mut self) {
        if let Err(err) = self.file.unlock() {
            tracing::debug!(error = &err as &dyn std::error::Error, "the lock goes with the file");
        }
    }
}

/// For people who ask who holds the lock; nothing depends on it.
fn note_holder(mut lock: &File) -> std::io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}
