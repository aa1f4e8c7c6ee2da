//! Reads labs and nodes of ready workers; labs that are gone are removed, with events.
//!
//! Also carries out `sync_labs` commands, which are about one worker.

use ccm_ports::Query;

use super::sweep::within;
use super::{JobContext, JobResult};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let ops = context.ops();
    if let Some(id) = context.worker() {
        let worker = ops.fleet.stores.workers.get(&id.to_string()).await?;
        let _place = context.engine.place(context.job).await;
        return Ok(ops.refresh_labs(&worker).await?.into());
    }
    let limit = context.each_limit();
    let mut workers = ops.all_workers(Query::default().is("state", "running")).await?;
    workers.retain(|worker| worker.is_reachable());
    let report = context
        .for_each_worker(&workers, |worker| async move {
            (worker.id.to_string(), within(limit, ops.refresh_labs(worker)).await)
        })
        .await?;
    Ok(report.into())
}
