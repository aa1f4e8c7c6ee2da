//! What was last seen of a worker. Written by the scheduler alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Activity, Author, IdleVerdict, ImageId, InstanceId, InstanceState, InstanceType, LaunchOrder,
    License, StatusCheck, Timestamp,
};

/// A worker's state as operators know it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Asked for; no instance yet.
    #[default]
    Pending,
    /// EC2 starts the instance.
    Starting,
    /// EC2 runs the instance.
    Running,
    /// EC2 stops the instance.
    Stopping,
    /// Stopped, disks kept.
    Stopped,
    /// EC2 is taking it away.
    Terminating,
    /// Gone.
    Terminated,
    /// It could not be made; the reason says why.
    Failed,
    /// EC2 did not show it in the last sweep.
    Missing,
    /// EC2 says something that this version does not know.
    Unknown,
}

impl WorkerState {
    /// The one map from EC2's states.
    #[must_use]
    pub const fn from_instance(state: InstanceState) -> Self {
        match state {
            InstanceState::Pending => Self::Starting,
            InstanceState::Running => Self::Running,
            InstanceState::Stopping => Self::Stopping,
            InstanceState::Stopped => Self::Stopped,
            InstanceState::ShuttingDown => Self::Terminating,
            InstanceState::Terminated => Self::Terminated,
            InstanceState::Unknown => Self::Unknown,
        }
    }

    /// Returns the word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more will happen to the instance.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Terminated | Self::Failed => true,
            Self::Pending
            | Self::Starting
            | Self::Running
            | Self::Stopping
            | Self::Stopped
            | Self::Terminating
            | Self::Missing
            | Self::Unknown => false,
        }
    }
}

/// Whether the controller serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// It does not answer, and nobody expects it to, or it stopped answering for good.
    #[default]
    Unavailable,
    /// The instance boots; no answer or "not ready" is normal now.
    Starting,
    /// It answers and is ready.
    Available,
    /// It answers wrongly, or stopped answering a moment ago.
    Degraded,
}

/// One stage of readiness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name: `instance`, `checks`, `https`, `ready`, `licensed`.
    pub name: String,
    /// How far it is.
    pub state: StageState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it is stuck or failed.
    pub reason: Option<String>,
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// An earlier stage is not done.
    Waiting,
    /// Under way.
    Active,
    /// Done.
    Done,
    /// Takes longer than it should.
    Stuck,
    /// Failed.
    Failed,
}

/// The instance as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// EC2's id.
    pub id: InstanceId,
    /// EC2's state.
    pub state: InstanceState,
    /// Its type.
    pub instance_type: InstanceType,
    /// Image it was launched from.
    pub image_id: Option<ImageId>,
    /// Name of that image.
    #[serde(default)]
    pub image_name: Option<String>,
    /// Public address.
    pub public_ip: Option<String>,
    /// Private address.
    pub private_ip: Option<String>,
    /// When it was launched or last started.
    pub launched_at: Option<Timestamp>,
    /// System status check.
    pub system_check: StatusCheck,
    /// Instance status check.
    pub instance_check: StatusCheck,
    /// Whether detailed monitoring is on.
    pub detailed_monitoring: bool,
}

/// The controller as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Controller {
    /// CML version.
    pub version: Option<String>,
    /// Whether it says that it is ready.
    pub ready: bool,
    /// Labs of all users.
    pub labs: u32,
    /// Nodes defined.
    pub nodes: u32,
    /// Nodes running.
    pub running_nodes: u32,
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// Why it does not answer as it should.
    pub error: Option<String>,
    /// How often in a row it did not answer.
    pub failures: u32,
}

/// Load; percentages 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// CPU use, of all cores.
    pub cpu: Option<f64>,
    /// Memory use.
    pub memory: Option<f64>,
    /// Disk use.
    pub disk: Option<f64>,
    /// When it was read.
    pub at: Option<Timestamp>,
}

/// Why a worker was paused or resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerReason {
    /// Somebody asked for it here.
    Manual,
    /// Nobody used it.
    IdleTimeout,
    /// Somebody or something outside did it.
    External,
}

/// One pause or resume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerChange {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: PowerReason,
    /// By whom; AWS's own words when it came from outside.
    pub by: String,
}

/// Pauses and resumes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PowerHistory {
    /// The last pause.
    pub paused: Option<PowerChange>,
    /// The last resume.
    pub resumed: Option<PowerChange>,
    /// Pauses because of idleness.
    pub auto_pauses: u64,
    /// Pauses that somebody asked for here.
    pub manual_pauses: u64,
    /// Pauses from outside.
    pub external_pauses: u64,
    /// Resumes for any reason.
    pub resumes: u64,
}

/// Something outside changed what was agreed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What: `state`, `instance_type`, `missing`.
    pub what: String,
    /// In words, with AWS's reason where it gives one.
    pub detail: String,
    /// When it was seen.
    pub at: Timestamp,
}

/// What was last seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The state.
    pub state: WorkerState,
    /// Since when.
    pub state_since: Timestamp,
    /// Why, where there is a reason.
    pub state_reason: Option<String>,
    /// The instance.
    pub instance: Option<InstanceFacts>,
    /// What was ordered of EC2 and may have been launched: asked for again in the same words, whatever was changed
    /// since.
    pub order: Option<LaunchOrder>,
    /// All tags of the instance.
    pub tags: BTreeMap<String, String>,
    /// When EC2 last told of it.
    pub seen_at: Option<Timestamp>,
    /// Sweeps in a row that did not show it.
    pub missed: u32,
    /// Whether the controller serves.
    pub service: Service,
    /// Since when.
    pub service_since: Timestamp,
    /// Address of the controller.
    pub endpoint: Option<String>,
    /// The controller.
    pub cml: Controller,
    /// Stages of readiness.
    pub stages: Vec<Stage>,
    /// Load.
    pub metrics: Metrics,
    /// Licence.
    pub license: License,
    /// Use by people.
    pub activity: Activity,
    /// The last idle decision.
    pub idle: Option<IdleVerdict>,
    /// Pauses and resumes.
    pub power: PowerHistory,
    /// What somebody changed outside.
    pub drift: Option<Drift>,
    /// Who terminated it, as far as it was done here.
    pub terminated_by: Option<Author>,
}
