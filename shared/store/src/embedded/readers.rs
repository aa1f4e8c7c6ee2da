//! Connections that only read, beside the one that writes: a few threads with one each.
//!
//! Each read sees the last commit at its begin and is neither delayed by a writer nor delays it.
//!
//! **Invariant:** a read that was asked for is carried out whether or not its caller is polled meanwhile. A
//! caller that does something else between asking and looking must not hold a turn that others wait for.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::anyhow;
use ccm_ports::StoreError;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::error::{Fault, classify, closed, file};
use super::tune;

/// Reads at the same time. SQLite answers from memory most of the time, so more would only cost memory.
const READERS: usize = 4;

/// Reads that may wait: several times what the API lets in and the jobs ask for at once.
const MOST_WAITING: usize = 4_096;

/// Something to be read; returns whether the connection may be used again.
type Job = Box<dyn FnOnce(Result<&Connection, Fault>) -> bool + Send>;

/// Hands reads to the threads; ends them when dropped.
pub(super) struct Readers {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads on a file that has its tables; each connects when it is first needed.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(MOST_WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        let start = |number| {
            let (path, jobs) = (path.to_owned(), Arc::clone(&jobs));
            std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || serve(&path, &jobs))
                .map_err(|err| file("start a thread that reads".to_owned(), err))
        };
        let threads = (0..READERS).map(start).collect::<Result<_, _>>()?;
        Ok(Self { queue: Some(queue), threads })
    }

    /// Runs `work` on one of the threads.
    pub(super) async fn run<T, W>(&self, op: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let outcome = conn.and_then(work).map_err(|fault| classify(op, fault));
            let is_well = outcome.is_ok();
            // Who asked may have stopped waiting.
            let _ = reply.send(outcome);
            is_well
        });
        let queue = self.queue.as_ref().ok_or_else(|| closed(op))?;
        queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                StoreError::Unavailable(anyhow!("{MOST_WAITING} reads wait already"))
            }
            TrySendError::Disconnected(_) => closed(op),
        })?;
        answer.await.map_err(|_| closed(op))?
    }
}

impl Drop for Readers {
    /// Waits for reads under way, so that the file is closed when this returns.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that reads from the store has panicked");
            }
        }
    }
}

fn serve(path: &Path, jobs: &Mutex<Receiver<Job>>) {
    let mut conn = None;
    loop {
        // The threads wait for a job one behind the other; a lock that a panic left is as good.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let known = match conn.take() {
            Some(known) => Ok(known),
            None => connect(path),
        };
        // A bug in one read must not take the thread away from all others: its caller hears that it failed.
        let kept = std::panic::catch_unwind(AssertUnwindSafe(|| match known {
            Ok(known) => job(Ok(&known)).then_some(known),
            Err(fault) => {
                job(Err(fault));
                None
            }
        }));
        conn = kept.unwrap_or_default();
    }
}

fn connect(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    tune(&conn)?;
    Ok(conn)
}
