//! The layer that writes down what happens to a run: outside of timeout and panic shield, inside the limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis::layers::catch_panic::PanicError;
use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use ccm_domain::RunError;
use tokio_util::sync::CancellationToken;
use tower::timeout::error::Elapsed;
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::Engine;
use crate::attempt::Ended;
use crate::engine::Claimed;
use crate::jobs::{JobError, Outcome};

/// Wraps a job's service.
#[derive(Clone, Debug)]
pub(super) struct RecordLayer {
    engine: Arc<Engine>,
    cut: CancellationToken,
}

/// A job's service whose runs are written down.
#[derive(Clone, Debug)]
pub(super) struct Recorded<S> {
    inner: S,
    layer: RecordLayer,
}

impl RecordLayer {
    pub(super) const fn new(engine: Arc<Engine>, cut: CancellationToken) -> Self {
        Self { engine, cut }
    }
}

impl<S> Layer<S> for RecordLayer {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        Recorded { inner, layer: self.clone() }
    }
}

impl<S> Service<Task<Claimed>> for Recorded<S>
where
    S: Service<Task<Claimed>, Response = Outcome, Error = BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxDynError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, task: Task<Claimed>) -> Self::Future {
        let RecordLayer { engine, cut } = self.layer.clone();
        let claimed = task.args.clone();
        let span = tracing::info_span!(
            "run",
            run.id = %claimed.run.id,
            job.name = claimed.job.name,
            trace_id = claimed.run.trace_id,
        );
        // Does nothing before it is polled, that is before the run is started.
        let work = self.inner.call(task);
        let trace = engine.trace_of(&claimed);
        let attempt = async move {
            let whole = async {
                let Some(run) = engine.begin(&claimed).await else { return };
                let ended = tokio::select! {
                    biased;
                    done = work => match done {
                        Ok(outcome) => Ended::Well(outcome),
                        Err(err) => classify(&*err, claimed.job.timeout_s),
                    },
                    () = cut.cancelled() => Ended::HandedBack,
                };
                ended.tell(&trace);
                engine.end(&run, ended).await;
            };
            trace.cover(whole).await;
            Ok(())
        };
        Box::pin(attempt.instrument(span))
    }
}

/// The one place where what apalis and tower report gets its meaning.
fn classify(err: &(dyn std::error::Error + Send + Sync + 'static), timeout_s: u64) -> Ended {
    if let Some(err) = err.downcast_ref::<JobError>() {
        return match err {
            JobError::Deposed => Ended::Deposed,
            JobError::Failed(error) => Ended::Badly(error.clone()),
        };
    }
    if err.is::<Elapsed>() {
        let text = format!("no end within {timeout_s} s; it was ended by force");
        return Ended::Badly(RunError::new("timeout", text));
    }
    if let Some(PanicError(text)) = err.downcast_ref() {
        return Ended::Badly(RunError::new("panicked", format!("the job panicked: {text}")));
    }
    Ended::Badly(RunError::new("failed", err.to_string()))
}
