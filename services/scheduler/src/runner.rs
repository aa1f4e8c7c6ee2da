//! The lanes: one apalis worker a job, fed with claimed runs.
//!
//! apalis gives each lane its limit, the hard timeout, the shield against panics and the graceful stop.
//! Its retries, its stores and its cron stay out: attempts are counted and planned in the run's document.
//!
//! A lane's work happens inside the worker's own future, so each lane is a task of its own; they are
//! aborted with the set that they are spawned on.

mod backend;
mod record;

use std::any::Any;
use std::sync::Arc;

use apalis::layers::WorkerBuilderExt as _;
use apalis::layers::catch_panic::{CatchPanicLayer, PanicError};
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use ccm_domain::schedule::JOBS;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::backend::LaneBackend;
use self::record::RecordLayer;
use crate::Engine;
use crate::engine::{Claimed, runs_at_once};
use crate::jobs::{self, JobContext, JobResult};

/// How the lanes are told to end.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Start nothing more; runs under way go on.
    pub leaving: CancellationToken,
    /// Hand back what is under way.
    pub cut: CancellationToken,
}

impl Engine {
    /// Starts the lanes; they end when `stop` says so, or with the set.
    pub fn run_lanes(self: &Arc<Self>, stop: &Stop, set: &mut JoinSet<anyhow::Result<()>>) {
        for job in &JOBS {
            let Some(queue) = self.take_lane(job) else { continue };
            let worker = WorkerBuilder::new(job.name)
                .backend(LaneBackend::new(queue, stop.leaving.clone()))
                .concurrency(runs_at_once(job))
                .layer(RecordLayer::new(Arc::clone(self), stop.cut.clone()))
                .layer(CatchPanicLayer::with_panic_handler(panicked))
                .timeout(job.timeout())
                .data(Arc::clone(self))
                .build(carry_out);
            set.spawn(async move { Ok(worker.run().await?) });
        }
    }
}

async fn carry_out(claimed: Claimed, engine: Data<Arc<Engine>>) -> JobResult {
    let context = JobContext { engine: Arc::clone(&engine), job: claimed.job, run: claimed.run };
    jobs::carry_out(context).await
}

/// Says what a job panicked with; where it did stands in the log.
fn panicked(payload: &Box<dyn Any + Send>) -> PanicError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    PanicError(text.unwrap_or_else(|| "no message".to_owned()))
}
