//! Long actions in one shape, whatever they are about.

use ccm_app::{LongAction, Progress};
use ccm_domain::worker::Step as DomainStep;
use ccm_domain::{
    Author as DomainAuthor, Command, CommandKind, LabId, OperationId, Timestamp, WorkerId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::{Author, Moment};
use super::worker_parts::Step;

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Waits for its turn.
    Queued,
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// Ended without success.
    Failed,
    /// Replaced by a later wish.
    Canceled,
}

/// A long action.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Operation {
    /// Id.
    #[schema(value_type = uuid::Uuid)]
    pub id: OperationId,
    /// What is done: `create`, `start`, `stop`, `terminate`, `register_license`, `deregister_license`,
    /// `refresh_worker`, `look_at_worker`, `sync_labs`, `lab_action`, `import_lab`, `download_lab`,
    /// `import_instances`, `trigger`.
    pub kind: String,
    /// How far it is.
    pub state: OperationState,
    /// The worker that it is about.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub worker_id: Option<WorkerId>,
    /// The lab that it is about.
    #[schema(value_type = Option<String>)]
    pub lab_id: Option<LabId>,
    /// What is done to the lab: `start`, `stop`, `wipe` or `delete`.
    pub action: Option<String>,
    /// Steps, in order; empty for what has only one.
    #[schema(value_type = Vec<Step>)]
    pub steps: Vec<DomainStep>,
    /// Why it failed, was canceled, waits, or is tried again.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Who asked.
    #[schema(value_type = Author)]
    pub by: DomainAuthor,
    /// When it was asked for.
    #[schema(value_type = Moment)]
    pub started_at: Timestamp,
    /// Not done, or not tried again, before this moment.
    #[schema(value_type = Option<Moment>)]
    pub not_before: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<Moment>)]
    pub ended_at: Option<Timestamp>,
    /// How often the present step was tried.
    pub attempts: u32,
    /// What came of it, such as found, imported and skipped instances.
    pub result: serde_json::Value,
}

impl Operation {
    /// Shows a worker's operation. Where its secret is kept is nobody's business.
    #[must_use]
    pub fn of_worker(worker: WorkerId, operation: &ccm_domain::worker::Operation) -> Self {
        let whole = LongAction::OfWorker(worker, Box::new(operation.clone()));
        Self {
            id: operation.id,
            kind: word(&operation.kind),
            state: whole.progress().into(),
            worker_id: Some(worker),
            lab_id: None,
            action: None,
            steps: operation.steps.clone(),
            reason: operation.reason.clone(),
            hint: operation.hint.clone(),
            by: operation.by.clone(),
            started_at: operation.started_at,
            not_before: operation.not_before,
            ended_at: operation.ended_at,
            attempts: operation.attempts,
            result: serde_json::Value::Null,
        }
    }

    /// Shows a command, without the files that it may carry.
    #[must_use]
    pub fn of_command(command: &Command) -> Self {
        let (kind, lab, action) = match &command.kind {
            CommandKind::RefreshWorker { .. } => ("refresh_worker", None, None),
            CommandKind::LookAtWorker { .. } => ("look_at_worker", None, None),
            CommandKind::SyncLabs { .. } => ("sync_labs", None, None),
            CommandKind::LabAction { lab, action, .. } => {
                ("lab_action", Some(lab), Some(word(action)))
            }
            CommandKind::ImportLab { .. } => ("import_lab", None, None),
            CommandKind::DownloadLab { lab, .. } => ("download_lab", Some(lab), None),
            CommandKind::ImportInstances { .. } => ("import_instances", None, None),
            CommandKind::RegisterLicense { .. } => ("register_license", None, None),
            CommandKind::DeregisterLicense { .. } => ("deregister_license", None, None),
            CommandKind::Trigger { .. } => ("trigger", None, None),
        };
        let is_file = matches!(command.kind, CommandKind::DownloadLab { .. });
        Self {
            id: command.id,
            kind: kind.to_owned(),
            state: LongAction::Command(Box::new(command.clone())).progress().into(),
            worker_id: command.kind.worker(),
            lab_id: lab.cloned(),
            action,
            steps: command.steps.clone(),
            reason: command.reason.clone(),
            hint: None,
            by: command.asked_by.clone(),
            started_at: command.asked_at,
            not_before: (command.not_before > command.asked_at).then_some(command.not_before),
            ended_at: command.ended_at,
            attempts: 0,
            result: if is_file { serde_json::Value::Null } else { command.result.clone() },
        }
    }
}

impl From<LongAction> for Operation {
    fn from(action: LongAction) -> Self {
        match action {
            LongAction::OfWorker(worker, operation) => Self::of_worker(worker, &operation),
            LongAction::Command(command) => Self::of_command(&command),
        }
    }
}

impl From<Progress> for OperationState {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Queued => Self::Queued,
            Progress::Running => Self::Running,
            Progress::Succeeded => Self::Succeeded,
            Progress::Failed => Self::Failed,
            Progress::Canceled => Self::Canceled,
        }
    }
}

impl From<OperationState> for Progress {
    fn from(state: OperationState) -> Self {
        match state {
            OperationState::Queued => Self::Queued,
            OperationState::Running => Self::Running,
            OperationState::Succeeded => Self::Succeeded,
            OperationState::Failed => Self::Failed,
            OperationState::Canceled => Self::Canceled,
        }
    }
}

/// Returns the wire word of one of the domain's enums.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}
