//! What can be asked for, with its bounds, its key and the job that does it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ImportRequest;
use crate::cml::LabAction;
use crate::{FieldFault, InstanceState, LabId, WorkerId};

/// The largest lab file that is taken, bytes; CML's own examples stay below a tenth of it.
pub const YAML_LIMIT: usize = 1 << 20;

/// Two looks at one worker closer together than this show the same.
const LOOK_GAP: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum CommandKind {
    /// Look at a worker now: instance, metrics, controller, labs, activity.
    RefreshWorker {
        /// Which.
        worker: WorkerId,
    },
    /// Look at a worker's instance now, because EC2 says that it is in another state.
    LookAtWorker {
        /// Which.
        worker: WorkerId,
        /// What EC2 says; what is so now is looked up.
        told: InstanceState,
    },
    /// Look at a worker's labs now.
    SyncLabs {
        /// Whose.
        worker: WorkerId,
    },
    /// Do something with a lab.
    LabAction {
        /// On which worker.
        worker: WorkerId,
        /// Which lab.
        lab: LabId,
        /// What.
        action: LabAction,
    },
    /// Make a lab of a file.
    ImportLab {
        /// On which worker.
        worker: WorkerId,
        /// The file, at most [`YAML_LIMIT`] bytes.
        yaml: String,
    },
    /// Fetch a lab's file from its controller.
    DownloadLab {
        /// On which worker.
        worker: WorkerId,
        /// Which lab.
        lab: LabId,
    },
    /// Make workers of instances that exist.
    ImportInstances {
        /// Which.
        request: ImportRequest,
    },
    /// Register a licence.
    RegisterLicense {
        /// On which worker.
        worker: WorkerId,
        /// Where the token is kept; never the token itself.
        secret: String,
        /// Whether to replace a registration that is there.
        #[serde(default)]
        reregister: bool,
    },
    /// Give a licence back.
    DeregisterLicense {
        /// On which worker.
        worker: WorkerId,
    },
    /// Run a schedule now.
    Trigger {
        /// Which.
        schedule: String,
    },
}

impl CommandKind {
    /// Returns the key under which open commands are one; none when each stands alone.
    #[must_use]
    pub fn fold_key(&self) -> Option<String> {
        match self {
            Self::RefreshWorker { worker } => Some(format!("refresh_worker/{worker}")),
            // A look under way may have come too early for what is told now, so each state is one of its own.
            Self::LookAtWorker { worker, told } => {
                Some(format!("look_at_worker/{worker}/{}", told.name()))
            }
            Self::SyncLabs { worker } => Some(format!("sync_labs/{worker}")),
            Self::DownloadLab { worker, lab } => Some(format!("download_lab/{worker}/{lab}")),
            Self::DeregisterLicense { worker } => Some(format!("deregister_license/{worker}")),
            Self::ImportInstances { request } => request.fold_key(),
            Self::Trigger { schedule } => Some(format!("trigger/{schedule}")),
            // Order and count of these matter, or, with a licence, the token does.
            Self::LabAction { .. } | Self::ImportLab { .. } | Self::RegisterLicense { .. } => None,
        }
    }

    /// Whether one that has begun serves those who ask meanwhile too; otherwise only one that waits does.
    #[must_use]
    pub const fn serves_when_begun(&self) -> bool {
        match self {
            // It may have looked already, and who asks now may have launched the instance since.
            Self::ImportInstances { .. } => false,
            Self::RefreshWorker { .. }
            | Self::LookAtWorker { .. }
            | Self::SyncLabs { .. }
            | Self::LabAction { .. }
            | Self::ImportLab { .. }
            | Self::DownloadLab { .. }
            | Self::RegisterLicense { .. }
            | Self::DeregisterLicense { .. }
            | Self::Trigger { .. } => true,
        }
    }

    /// Returns the name of the job that does it; none when the scheduler itself does.
    #[must_use]
    pub const fn job(&self) -> Option<&'static str> {
        match self {
            Self::RefreshWorker { .. } | Self::LookAtWorker { .. } => Some("refresh_worker"),
            Self::SyncLabs { .. } => Some("refresh_labs"),
            Self::LabAction { .. } | Self::ImportLab { .. } | Self::DownloadLab { .. } => {
                Some("run_lab_actions")
            }
            Self::ImportInstances { .. } => Some("import_instances"),
            Self::RegisterLicense { .. } | Self::DeregisterLicense { .. } => Some("step_licenses"),
            Self::Trigger { .. } => None,
        }
    }

    /// Returns the worker that it is about.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::RefreshWorker { worker }
            | Self::LookAtWorker { worker, .. }
            | Self::SyncLabs { worker }
            | Self::LabAction { worker, .. }
            | Self::ImportLab { worker, .. }
            | Self::DownloadLab { worker, .. }
            | Self::RegisterLicense { worker, .. }
            | Self::DeregisterLicense { worker } => Some(*worker),
            Self::ImportInstances { .. } | Self::Trigger { .. } => None,
        }
    }

    /// Returns the least time between two commands of one key.
    #[must_use]
    pub const fn least_gap(&self) -> Duration {
        match self {
            Self::RefreshWorker { .. } | Self::SyncLabs { .. } => LOOK_GAP,
            Self::LookAtWorker { .. }
            | Self::LabAction { .. }
            | Self::ImportLab { .. }
            | Self::DownloadLab { .. }
            | Self::ImportInstances { .. }
            | Self::RegisterLicense { .. }
            | Self::DeregisterLicense { .. }
            | Self::Trigger { .. } => Duration::ZERO,
        }
    }

    /// Returns every field that is out of its bounds.
    #[must_use]
    pub fn check(&self) -> Vec<FieldFault> {
        let fault = |pointer: &str, detail: &str| vec![FieldFault::new(pointer, detail)];
        match self {
            Self::ImportLab { yaml, .. } if yaml.trim().is_empty() => {
                fault("/yaml", "must not be empty")
            }
            Self::ImportLab { yaml, .. } if yaml.len() > YAML_LIMIT => {
                fault("/yaml", "must be at most 1 MiB")
            }
            Self::RegisterLicense { secret, .. } if secret.is_empty() => {
                fault("/token", "must not be empty")
            }
            Self::Trigger { schedule } if schedule.is_empty() => {
                fault("/schedule", "must not be empty")
            }
            Self::ImportInstances { request } => request.check(),
            Self::RefreshWorker { .. }
            | Self::LookAtWorker { .. }
            | Self::SyncLabs { .. }
            | Self::LabAction { .. }
            | Self::ImportLab { .. }
            | Self::DownloadLab { .. }
            | Self::RegisterLicense { .. }
            | Self::DeregisterLicense { .. }
            | Self::Trigger { .. } => Vec::new(),
        }
    }
}
