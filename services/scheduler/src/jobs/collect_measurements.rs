//! Reads load: CloudWatch in batches per region, and every running controller.

use ccm_ports::Query;

use super::sweep::within;
use super::{JobContext, JobResult};

/// How many accounts and regions are asked at once; each has its own allowance at AWS.
const SCOPES_AT_ONCE: usize = 16;

pub(super) async fn run(context: &JobContext) -> JobResult {
    let ops = context.ops();
    let limit = context.each_limit();
    let scopes = context.for_each(&ops.remotes.scopes, SCOPES_AT_ONCE, |scope| async move {
        (scope.to_string(), within(limit, ops.measure_scope(scope)).await)
    });
    let workers = ops.all_workers(Query::default().is("state", "running")).await?;
    let controllers = context.for_each_worker(&workers, |worker| async move {
        (worker.id.to_string(), within(limit, ops.measure_worker(worker)).await)
    });
    let (mut report, controllers) = tokio::try_join!(scopes, controllers)?;
    report.merge(controllers);
    Ok(report.into())
}
