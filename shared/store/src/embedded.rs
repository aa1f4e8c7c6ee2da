//! One SQLite file, or memory: the store of a single process, with nothing to install.
//!
//! One thread writes, a few connections read. Every port is implemented for the one handle, [`Embedded`].
//!
//! **Durability.** The journal is a write-ahead log with `synchronous=FULL`: a commit is synced before anybody
//! hears of it, so neither a killed process nor a power loss takes back what was acknowledged. `NORMAL` would
//! be several times as fast for a single writer but syncs only at checkpoints; commands that share a commit
//! win most of it back.
//!
//! **Invariant:** what one command writes (document, index fields, unique keys, changes) is one transaction.
//! **Invariant:** no text from outside becomes SQL; everything is bound.

mod collection;
mod error;
mod key_file;
mod lease;
mod list;
mod lock;
mod log;
mod newer;
mod outbox;
mod readers;
mod samples;
mod schema;
mod secrets;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use ccm_ports::{StoreError, StoreProbe, Stores};
use rusqlite::{Connection, OpenFlags};

use self::error::{Fault, classify, file};
use self::lock::Lock;
use self::readers::Readers;
use self::writer::Writer;
use crate::fenced::Fenced;
use crate::vault::{SecretKey, Vault};

/// How long a lock of another program, such as a backup or a person's `sqlite3`, is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prepared statements kept by each connection; more than there are in this crate, but for odd lists.
const STATEMENTS: usize = 96;

/// The log file is cut down to this after a checkpoint, in bytes.
const KEPT_LOG: i64 = 16 << 20;

/// A store in one file or in memory; cheap to clone. The last clone closes it.
#[derive(Clone)]
pub struct Embedded {
    parts: Arc<Parts>,
}

/// Dropped in this order: readers, the writer with all that is queued, and only then the lock.
struct Parts {
    readers: Option<Readers>,
    writer: Writer,
    vault: Vault,
    fenced: Fenced,
    place: PathBuf,
    _lock: Option<Lock>,
}

impl Embedded {
    /// Opens the file at `path`, or makes it; blocks while it is recovered after a crash.
    ///
    /// Beside it appear `.lock`, which keeps a second process out, and `.key`, which encrypts secrets.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when another process has the file or it cannot be opened,
    /// [`StoreError::Corrupt`] when it is damaged, of another program, or of a later release.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        // A link and its target are one store: what stands beside it must be found by either name.
        let path = &path.as_ref().canonicalize().unwrap_or_else(|_| path.as_ref().to_owned());
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        std::fs::create_dir_all(folder)
            .map_err(|err| file(format!("create {}", folder.display()), err))?;
        let lock = Lock::take(path)?;
        let vault = key_file::vault_beside(path)?;
        let conn = open_file(path).map_err(|fault| classify("open the store", fault))?;
        // SQLite syncs the folder for its log; the names of new files must be as durable.
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|err| file(format!("sync {}", folder.display()), err))?;
        Ok(Self {
            parts: Arc::new(Parts {
                fenced: Fenced::default(),
                readers: Some(Readers::start(path)?),
                writer: Writer::start(conn)?,
                vault,
                place: path.to_owned(),
                _lock: Some(lock),
            }),
        })
    }

    /// Makes an empty store that ends with its last handle.
    ///
    /// One connection reads and writes: in memory there is nothing that could be read beside it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when memory or threads are used up.
    pub fn memory() -> Result<Self, StoreError> {
        let conn = open_memory().map_err(|fault| classify("open a store in memory", fault))?;
        Ok(Self {
            parts: Arc::new(Parts {
                fenced: Fenced::default(),
                readers: None,
                writer: Writer::start(conn)?,
                vault: Vault::new(&SecretKey::random()?)?,
                place: PathBuf::from(":memory:"),
                _lock: None,
            }),
        })
    }

    /// Returns the ports of the product, all of them on this store.
    #[must_use]
    pub fn stores(&self) -> Stores {
        Stores::of(self.clone())
    }

    /// Runs `work` in a transaction; `op` says in errors what was attempted.
    async fn write<T, W>(&self, op: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.parts.writer.run(op, work).await
    }

    /// Runs `work`, one statement that only reads, on what is committed.
    async fn read<T, W>(&self, op: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        match &self.parts.readers {
            Some(readers) => readers.run(op, work).await,
            None => self.parts.writer.run(op, work).await,
        }
    }
}

#[async_trait]
impl StoreProbe for Embedded {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read("look at the store", |conn| {
            Ok(conn.prepare_cached("SELECT only FROM log")?.query_row([], |_| Ok(()))?)
        })
        .await
    }

    fn fenced(&self) -> u64 {
        self.parts.fenced.count()
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("place", &self.parts.place).finish_non_exhaustive()
    }
}

fn open_file(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    tune(&conn)?;
    schema::recognize(&conn)?;
    let journal: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if journal != "wal" {
        let reason = anyhow!("the file system allows no shared memory, which the log needs");
        return Err(StoreError::Unavailable(reason).into());
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a plain sync does not reach the disk; elsewhere these change nothing.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "journal_size_limit", KEPT_LOG)?;
    schema::migrate(&conn)?;
    Ok(conn)
}

fn open_memory() -> Result<Connection, Fault> {
    let conn = Connection::open_in_memory()?;
    tune(&conn)?;
    schema::migrate(&conn)?;
    Ok(conn)
}

/// Settings of every connection.
fn tune(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // What a savepoint would undo is kept in memory; a file for it costs more than the commit itself.
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update(None, "trusted_schema", false)
}

/// Returns the path of a file that belongs to the database at `path`.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}
