//! Copies what EC2 says about our instances into the store: one paged sweep per account and region.
//!
//! Looks at everything on purpose, so a lost event or a restart costs one period and nothing else.

use ccm_domain::RunError;

use super::sweep::within;
use super::{JobContext, JobError, JobResult};

/// How many accounts and regions are swept at once; each has its own allowance at AWS.
const SCOPES_AT_ONCE: usize = 16;

pub(super) async fn run(context: &JobContext) -> JobResult {
    let ops = context.ops();
    // Whatever a deposed leader inserted after the seal is fenced with this one.
    let late = ops.fleet.stores.leases.seal(ops.epoch).await?;
    let limit = context.each_limit();
    let scopes = &ops.remotes.scopes;
    let mut report = context
        .for_each(scopes, SCOPES_AT_ONCE, |scope| async move {
            (scope.to_string(), within(limit, ops.observe_scope(scope)).await)
        })
        .await?;
    if !scopes.is_empty() && !report.counts.contains_key("instances") {
        let text = format!("no region could be swept: {}", report.errors.join("; "));
        return Err(JobError::Failed(RunError::new("no_region_answers", text)));
    }
    report.add("sealed", late);
    Ok(report.into())
}
