//! Reads telemetry, warns before the idle deadline and asks for a stop after it.

use ccm_domain::{Verdict, Worker, WorkerState};
use ccm_ports::Query;

use super::sweep::within;
use super::{JobContext, JobResult};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let ops = context.ops();
    let settings = ops.settings().await?;
    let settings = &settings;
    let limit = context.each_limit();
    let mut workers = ops.all_workers(Query::default()).await?;
    workers.retain(needs_a_decision);
    let report = context
        .for_each_worker(&workers, |worker| async move {
            (worker.id.to_string(), within(limit, ops.detect_activity(worker, settings)).await)
        })
        .await?;
    Ok(report.into())
}

/// A worker that does not run is decided about once, so that its last verdict does not stay for ever.
fn needs_a_decision(worker: &Worker) -> bool {
    let decided = worker.status.idle.as_ref().map(|idle| idle.verdict);
    worker.state() == WorkerState::Running
        || decided.is_some_and(|verdict| verdict != Verdict::NotRunning)
}
