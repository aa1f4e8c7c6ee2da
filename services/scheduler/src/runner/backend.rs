//! Where a lane's runs come from: a channel, and the word that it is time to leave.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::layer::util::Identity;

use crate::engine::Claimed;

/// Claimed runs of one job.
///
/// **Invariant:** after the word to leave nothing more is taken; what is left in the channel waits in the
/// store, where the next leader finds it.
pub(super) struct LaneBackend {
    queue: mpsc::Receiver<Claimed>,
    leaving: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl LaneBackend {
    pub(super) fn new(queue: mpsc::Receiver<Claimed>, leaving: CancellationToken) -> Self {
        Self { queue, leaving: Box::pin(leaving.cancelled_owned()) }
    }
}

impl Backend for LaneBackend {
    type Task = Task<Claimed>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let next = match self.leaving.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => self.queue.poll_recv(cx),
        };
        next.map(|claimed| {
            if claimed.is_none() {
                // The end of the stream alone does not end a worker; it refuses only before its start.
                let _ = worker.stop();
            }
            claimed.map(|claimed| Ok(TaskBuilder::new(claimed).build()))
        })
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        self.queue.close();
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LaneBackend {
    type Args = Claimed;
    type Id = u64;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
