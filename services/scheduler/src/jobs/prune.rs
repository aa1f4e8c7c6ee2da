//! Forgets what is past its keep time.

use super::{JobContext, JobResult};

pub(super) async fn run(context: &JobContext) -> JobResult {
    Ok(context.ops().prune().await?.into())
}
