//! Looks at one worker now: instance, controller, load, licence, labs, activity; or only at its instance.

use ccm_app::FleetError;
use ccm_domain::{CommandKind, WorkerId};

use super::{JobContext, JobResult, Outcome, nothing_asked};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let id = context.worker().ok_or_else(|| nothing_asked(context.job))?;
    let command = context.command().await?;
    if matches!(command.kind, CommandKind::LookAtWorker { .. }) {
        return look(context, id).await;
    }
    let (worker, report) = context.ops().refresh_worker(id).await?;
    let result = serde_json::json!({
        "state": worker.state(),
        "service": worker.status.service,
        "errors": report.errors,
    });
    Ok(Outcome { report, result })
}

/// What EC2 told of is its instance; the rest follows from what is seen, as after every sweep.
async fn look(context: &JobContext, id: WorkerId) -> JobResult {
    let ops = context.ops();
    let known = ops.fleet.stores.workers.get(&id.to_string()).await.map_err(FleetError::from)?;
    let seen = ops.look_at(&known).await?;
    let mut outcome = Outcome::default();
    outcome.report.count(if seen.rev == known.rev { "unchanged" } else { "changed" });
    outcome.result = serde_json::json!({ "state": seen.state() });
    Ok(outcome)
}
