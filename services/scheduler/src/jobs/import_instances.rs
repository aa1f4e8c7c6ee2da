//! Makes workers of existing instances: by the rules of the settings, or as a command asks.

use ccm_app::FleetError;
use ccm_domain::{CommandKind, RunError};
use ccm_ports::Chime;

use super::sweep::within;
use super::{JobContext, JobError, JobResult, Outcome};

/// How many regions are looked through at once; a region is looked through by one run at a time.
const SCOPES_AT_ONCE: usize = 8;

pub(super) async fn run(context: &JobContext) -> JobResult {
    let outcome = if context.run.command.is_some() {
        asked(context).await?
    } else {
        by_rules(context).await?
    };
    if outcome.report.get("imported") > 0 {
        // New workers are looked at as soon as workers that somebody acted on.
        context.ops().fleet.bell.ring(Chime::Commands).await;
    }
    Ok(outcome)
}

async fn by_rules(context: &JobContext) -> JobResult {
    let ops = context.ops();
    let limit = context.each_limit();
    let by = &context.author();
    let report = context
        .for_each(&ops.remotes.scopes, SCOPES_AT_ONCE, |scope| {
            let turn = context.engine.turn_in(scope);
            async move {
                let _turn = turn.await;
                (scope.to_string(), within(limit, ops.import_by_rules(scope, by)).await)
            }
        })
        .await?;
    Ok(report.into())
}

async fn asked(context: &JobContext) -> JobResult {
    let command = context.command().await?;
    let CommandKind::ImportInstances { request } = &command.kind else {
        return Err(JobError::Failed(RunError::permanent("wrong_command", "not an import")));
    };
    let scope =
        ccm_domain::Scope { account: request.account.clone(), region: request.region.clone() };
    let _turn = context.engine.turn_in(&scope).await;
    let answer = context.ops().import_requested(request, &command.asked_by).await?;
    let mut outcome = Outcome::default();
    outcome.report.add("found", u64::from(answer.found));
    outcome.report.add("imported", answer.imported.len() as u64);
    outcome.report.add("skipped", answer.skipped.len() as u64);
    outcome.result = serde_json::to_value(answer)
        .map_err(|err| FleetError::Store(ccm_ports::StoreError::Corrupt(err.into())))?;
    Ok(outcome)
}
