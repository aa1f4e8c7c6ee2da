//! Nothing is spawned that nobody waits for.
//!
//! **Invariant:** after [`Tasks::drain`] no task that was spawned here runs any more.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Backoff;

/// A task that ran this long counts as well again: its next restart is quick.
const WELL_AGAIN: Duration = Duration::from_secs(60);

/// The tasks of a process, each with a name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    stop: CancellationToken,
    draining: CancellationToken,
    failed: CancellationToken,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    named: BTreeMap<u64, (&'static str, Option<AbortHandle>)>,
}

impl Tasks {
    /// Returns an empty set.
    #[must_use]
    pub fn new() -> Self {
        let stop = CancellationToken::new();
        // Stopping implies draining: whoever waits for the weaker word must not miss the stronger.
        let draining = stop.child_token();
        Self(Arc::new(Inner { stop, draining, ..Inner::default() }))
    }

    /// Is cancelled when tasks must end now: listeners stop accepting, loops return.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Is cancelled when no new work may start: streams end, leases are given back.
    ///
    /// Always cancelled before or together with [`Tasks::stopping`].
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.0.draining.clone()
    }

    /// Is cancelled when a critical task ended before it was told to.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.0.failed.clone()
    }

    /// Runs a task the process cannot live without: if it ends early, everything stops.
    ///
    /// It must end by itself soon after [`Tasks::stopping`] is cancelled.
    pub fn spawn_critical<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let tasks = self.clone();
        self.track(name, async move {
            let outcome = caught(task).await;
            if tasks.0.draining.is_cancelled() {
                if let Err(err) = outcome {
                    tracing::error!(
                        task = name,
                        error = format!("{err:#}"),
                        "{name} failed while stopping"
                    );
                }
                return;
            }
            let error = outcome.err().unwrap_or_else(|| anyhow!("it ended without being told to"));
            tracing::error!(task = name, error = format!("{error:#}"), "{name} failed, stopping");
            tasks.0.failed.cancel();
            tasks.0.stop.cancel();
        });
    }

    /// Runs a task the process can live without: restarted with backoff when it fails or panics.
    ///
    /// `Ok` ends it for good. It is dropped when [`Tasks::stopping`] is cancelled, so a dropped
    /// future must leave nothing half done.
    pub fn spawn_best_effort<F, Fut>(&self, name: &'static str, mut make: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = self.stopping();
        let whole = async move {
            let mut backoff = Backoff::default();
            loop {
                let started = tokio::time::Instant::now();
                let Err(err) = caught(make()).await else { return };
                if started.elapsed() >= WELL_AGAIN {
                    backoff.reset();
                }
                let pause = backoff.next_pause();
                tracing::warn!(
                    task = name,
                    error = format!("{err:#}"),
                    "{name} failed, starting again in {} ms",
                    pause.as_millis()
                );
                tokio::time::sleep(pause).await;
            }
        };
        self.track(name, async move {
            stop.run_until_cancelled(whole).await;
        });
    }

    /// Runs a task that may end at any time, such as one connection. A panic in it is logged.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.track(name, task);
    }

    /// Returns how many tasks of each name run.
    #[must_use]
    pub fn running(&self) -> BTreeMap<&'static str, u64> {
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = BTreeMap::new();
        for (name, _) in running.named.values() {
            *counts.entry(*name).or_default() += 1;
        }
        counts
    }

    /// Cancels [`Tasks::draining`]: from here on no new work starts.
    pub fn begin_draining(&self) {
        self.0.draining.cancel();
    }

    /// Cancels [`Tasks::stopping`] and waits until all tasks have ended.
    ///
    /// # Errors
    ///
    /// The names of those that still ran after `deadline`; they have been aborted.
    pub async fn drain(&self, deadline: Duration) -> Result<(), Vec<&'static str>> {
        self.0.stop.cancel();
        self.0.tracker.close();
        if tokio::time::timeout(deadline, self.0.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let left: Vec<_> = {
            let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.named.values().cloned().collect()
        };
        for (_, handle) in &left {
            if let Some(handle) = handle {
                handle.abort();
            }
        }
        let mut names: Vec<_> = left.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        Err(names)
    }

    fn track(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let entry = Entry::new(Arc::clone(&self.0), name);
        let id = entry.id;
        let handle = self.0.tracker.spawn(async move {
            let _entry = entry;
            task.await;
        });
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Absent when the task has ended already.
        if let Some((_, slot)) = running.named.get_mut(&id) {
            *slot = Some(handle.abort_handle());
        }
    }
}

/// The name of a running task; removes itself when the task ends, however it ends.
struct Entry {
    id: u64,
    inner: Arc<Inner>,
}

impl Entry {
    fn new(inner: Arc<Inner>, name: &'static str) -> Self {
        let mut running = inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        let id = running.next;
        running.next += 1;
        running.named.insert(id, (name, None));
        drop(running);
        Self { id, inner }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.named.remove(&self.id);
    }
}

/// Turns a panic into an error; the panic hook has logged where it happened.
async fn caught<F: Future<Output = anyhow::Result<()>>>(task: F) -> anyhow::Result<()> {
    AssertUnwindSafe(task).catch_unwind().await.unwrap_or_else(|_| Err(anyhow!("it panicked")))
}
