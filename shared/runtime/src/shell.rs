//! What a service gets to live in: tasks, readiness, stopping, metrics, the admin port.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use ccm_config::section::DrainSection;
use ccm_telemetry::{Meter, Metrics, Tracer, Traces};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admin::Routes;
use crate::{Backoff, Drain, Hold, Part, Ready, Tasks};

type Closer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The surroundings of a service. Cheap to clone.
#[derive(Clone)]
pub struct Shell {
    /// Where everything is spawned.
    pub tasks: Tasks,
    /// What `/readyz` says.
    pub ready: Ready,
    /// What is under way, and the way to stop.
    pub drain: Drain,
    /// Instruments of this process.
    pub metrics: Metrics,
    traces: Traces,
    routes: Routes,
    closers: Arc<Mutex<Vec<(&'static str, Closer)>>>,
}

impl Shell {
    /// Returns a shell around `metrics` and `traces` with nothing in it.
    #[must_use]
    pub fn new(metrics: Metrics, traces: Traces) -> Self {
        let (tasks, ready) = (Tasks::new(), Ready::new());
        ready.measure(&metrics.meter("ccm-runtime"));
        Self {
            drain: Drain::new(&tasks),
            tasks,
            ready,
            metrics,
            traces,
            routes: Routes::default(),
            closers: Arc::default(),
        }
    }

    /// Returns a shell for tests; stop it with [`Shell::stop`] and check what it returns.
    ///
    /// # Panics
    ///
    /// When metrics cannot be set up, which is a bug.
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests, where a panic is the report")]
    pub fn for_testing() -> Self {
        Self::new(Metrics::new("test").expect("metrics can be set up"), Traces::off())
    }

    /// Is cancelled when no new work may start; see [`Tasks::draining`].
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.tasks.draining()
    }

    /// Is cancelled when tasks must end; see [`Tasks::stopping`].
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.tasks.stopping()
    }

    /// Keeps a phase of stopping open; see [`Drain::hold`].
    #[must_use]
    pub fn hold(&self, part: Part) -> Hold {
        self.drain.hold(part)
    }

    /// Returns the meter of one crate.
    #[must_use]
    pub fn meter(&self, name: &'static str) -> Meter {
        self.metrics.meter(name)
    }

    /// Returns the tracer of one crate.
    #[must_use]
    pub fn tracer(&self, name: &'static str) -> Tracer {
        self.traces.tracer(name)
    }

    /// Opens a port with a backlog for a storm of reconnects and logs it as `what`.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub fn listen(&self, what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
        let listener = crate::listen(address)?;
        tracing::info!("{what} listens on {}", listener.local_addr()?);
        Ok(listener)
    }

    /// Repeats `connect` with backoff until it works; the part `name` is not ready until then.
    ///
    /// # Errors
    ///
    /// When the process is told to stop first.
    pub async fn connect<T, F, Fut>(&self, name: &'static str, connect: F) -> anyhow::Result<T>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = anyhow::Result<T>>,
    {
        let latch = self.ready.latch(name);
        let stop = self.drain.requested();
        let done = crate::retry(name, Backoff::default(), &stop, connect).await;
        let done = done.ok_or_else(|| anyhow::anyhow!("told to stop before {name} was there"))?;
        latch.open();
        Ok(done)
    }

    /// Adds routes to the admin port.
    pub fn admin_routes(&self, routes: axum::Router) {
        self.routes.add(routes);
    }

    /// Runs `close` after all tasks have ended. The last one added runs first.
    pub fn on_close(&self, name: &'static str, close: impl Future<Output = ()> + Send + 'static) {
        self.lock_closers().push((name, Box::pin(close)));
    }

    /// Stops everything in good order and returns when it is over.
    ///
    /// # Errors
    ///
    /// The names of tasks and closers that did not end in time.
    pub async fn stop(&self, limits: &DrainSection) -> Result<(), Vec<&'static str>> {
        let mut left = self.drain.run(limits, &self.ready).await.err().unwrap_or_default();
        let deadline = tokio::time::Instant::now() + DrainSection::LAST_STEP;
        loop {
            let Some((name, close)) = self.lock_closers().pop() else { break };
            if tokio::time::timeout_at(deadline, close).await.is_err() {
                left.push(name);
            }
        }
        if left.is_empty() { Ok(()) } else { Err(left) }
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    fn lock_closers(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, Closer)>> {
        self.closers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("tasks", &self.tasks).field("ready", &self.ready).finish()
    }
}
