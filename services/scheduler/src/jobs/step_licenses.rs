//! Steps the licence operation of one worker.
//!
//! Licence operations live in the worker's document and are stepped with everything else that it is on
//! its way to; a command only says that this worker is to be looked after now.

use super::{JobContext, JobResult, nothing_asked};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let id = context.worker().ok_or_else(|| nothing_asked(context.job))?;
    let worker = context.ops().fleet.stores.workers.get(&id.to_string()).await?;
    Ok(context.engine.step_workers(vec![worker]).await?.into())
}
