//! Imports, downloads, starts, stops, wipes and deletes labs, each because a command asks.

use ccm_domain::{CommandKind, RunError};
use serde_json::json;

use super::{JobContext, JobError, JobResult, Outcome};

pub(super) async fn run(context: &JobContext) -> JobResult {
    let command = context.command().await?;
    let ops = context.ops();
    let mut outcome = Outcome::default();
    match &command.kind {
        CommandKind::LabAction { worker, lab, action } => {
            ops.act_on_lab(command.id, *worker, lab, *action).await?;
            outcome.report.count("acted");
        }
        CommandKind::ImportLab { worker, yaml } => {
            let lab = ops.import_lab(*worker, yaml, context.run.starts > 0).await?;
            outcome.report.count("imported");
            outcome.result = json!({ "lab": lab });
        }
        CommandKind::DownloadLab { worker, lab } => {
            let yaml = ops.download_lab(*worker, lab).await?;
            outcome.report.count("downloaded");
            outcome.result = json!({ "lab": lab, "yaml": yaml });
        }
        CommandKind::RefreshWorker { .. }
        | CommandKind::LookAtWorker { .. }
        | CommandKind::SyncLabs { .. }
        | CommandKind::ImportInstances { .. }
        | CommandKind::RegisterLicense { .. }
        | CommandKind::DeregisterLicense { .. }
        | CommandKind::Trigger { .. } => {
            let text = "the command is about no lab";
            return Err(JobError::Failed(RunError::permanent("wrong_command", text)));
        }
    }
    Ok(outcome)
}
