//! Takes the next step of each worker whose wanted and seen state differ.
//!
//! The periodic repair. Between two runs [`crate::transitions`] does the same for workers on their way.

use super::{JobContext, JobResult};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let workers = context.ops().unsettled().await?;
    Ok(context.engine.step_workers(workers).await?.into())
}
