//! Looks at one worker now: instance, controller, load, licence, labs, activity.

use super::{JobContext, JobResult, Outcome, nothing_asked};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let id = context.worker().ok_or_else(|| nothing_asked(context.job))?;
    let (worker, report) = context.ops().refresh_worker(id).await?;
    let result = serde_json::json!({
        "state": worker.state(),
        "service": worker.status.service,
        "errors": report.errors,
    });
    Ok(Outcome { report, result })
}
