//! The one thread that writes.
//!
//! Commands that queue up while a commit is under way share the next one, so the price of a synced write is
//! paid once for many. Each command is a savepoint: one that is refused leaves no trace and its neighbors
//! nothing to notice.
//!
//! **Invariant:** nobody hears an answer, good or bad, before the commit that it rests on is durable.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::anyhow;
use ccm_ports::StoreError;
use rusqlite::{Connection, ffi};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::error::{Fault, classify, classify_commit, closed, file};

/// Commands that may wait: several times what the API lets in and the jobs ask for at once. A full queue refuses,
/// since a caller in line who is not polled would hold the place that everybody behind waits for.
const MOST_WAITING: usize = 4_096;

/// Commands that share one commit: bounds the memory of a transaction and the wait of its first command.
const MOST_IN_COMMIT: usize = 64;

/// Hands commands to the thread; ends it when dropped.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Command>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which from now on owns the connection.
    pub(super) fn start(conn: Connection) -> Result<Self, StoreError> {
        let (queue, commands) = mpsc::channel(MOST_WAITING);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&conn, commands))
            .map_err(|err| file("start the thread that writes".to_owned(), err))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs `work` in the next commit and returns its outcome once that is durable.
    ///
    /// A caller that stops waiting does not undo the work.
    pub(super) async fn run<T, W>(&self, op: &'static str, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let request = Request { op, work: Some(work), outcome: None, reply };
        let queue = self.queue.as_ref().ok_or_else(|| closed(op))?;
        queue.try_send(Box::new(request)).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                StoreError::Unavailable(anyhow!("{MOST_WAITING} writes wait already"))
            }
            TrySendError::Closed(_) => closed(op),
        })?;
        answer.await.map_err(|_| closed(op))?
    }
}

impl Drop for Writer {
    /// Waits until everything that is queued is committed, so that the file may be opened again at once.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes to the store has panicked");
        }
    }
}

/// Something to be done within a commit.
trait Command: Send {
    /// Does it; `false` means that its savepoint must be undone.
    fn run(&mut self, conn: &Connection) -> bool;

    /// Tells the caller, once it is known what became of the commit.
    fn answer(self: Box<Self>, commit: Result<(), &Arc<rusqlite::Error>>);
}

struct Request<T, W> {
    op: &'static str,
    work: Option<W>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Command for Request<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, Fault> + Send,
{
    fn run(&mut self, conn: &Connection) -> bool {
        let work = self.work.take();
        self.outcome = work.map(|work| work(conn).map_err(|fault| classify(self.op, fault)));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, commit: Result<(), &Arc<rusqlite::Error>>) {
        let answer = match (commit, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(_), Some(Err(own @ (StoreError::Unavailable(_) | StoreError::Corrupt(_))))) => {
                Err(own)
            }
            // Other outcomes, refusals too, rest on neighbors that were never committed.
            (Err(err), _) => Err(classify_commit(self.op, err)),
            (Ok(()), None) => Err(closed(self.op)),
        };
        // A caller that went away loses only the answer.
        let _ = self.reply.send(answer);
    }
}

fn serve(conn: &Connection, mut commands: mpsc::Receiver<Box<dyn Command>>) {
    let mut batch = Vec::with_capacity(MOST_IN_COMMIT);
    while commands.blocking_recv_many(&mut batch, MOST_IN_COMMIT) > 0 {
        let commit = commit(conn, &mut batch).map_err(Arc::new);
        if commit.is_err() && !conn.is_autocommit() {
            // Fails only when SQLite has rolled back by itself meanwhile.
            let _ = conn.execute_batch("ROLLBACK");
        }
        for command in batch.drain(..) {
            command.answer(commit.as_ref().copied());
        }
    }
}

fn commit(conn: &Connection, batch: &mut [Box<dyn Command>]) -> rusqlite::Result<()> {
    step(conn, "BEGIN IMMEDIATE")?;
    for command in batch {
        step(conn, "SAVEPOINT command")?;
        if !command.run(conn) {
            // A full disk or a failed write may have ended the whole transaction.
            if conn.is_autocommit() {
                let code = ffi::Error::new(ffi::SQLITE_ABORT);
                let reason = "a neighbor in the same commit failed".to_owned();
                return Err(rusqlite::Error::SqliteFailure(code, Some(reason)));
            }
            step(conn, "ROLLBACK TO command")?;
        }
        step(conn, "RELEASE command")?;
    }
    step(conn, "COMMIT")
}

fn step(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}
