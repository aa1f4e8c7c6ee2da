//! What a CML controller tells, in our words; tolerant of what newer versions add.

use serde::{Deserialize, Serialize};

use crate::{LabId, Timestamp};

/// `GET /system_information`: answered without a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerFacts {
    /// Version text, such as `2.9.0+build.6`.
    pub version: String,
    /// Whether the controller says that it is ready.
    pub ready: bool,
}

/// Load of one controller, summed over its compute nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ControllerLoad {
    /// CPU use, percent of all cores (0 to 100).
    pub cpu: Option<f64>,
    /// Memory use, percent.
    pub memory: Option<f64>,
    /// Disk use, percent.
    pub disk: Option<f64>,
    /// Nodes defined in labs.
    pub nodes: u32,
    /// Nodes running.
    pub running_nodes: u32,
    /// Whether every health check of the controller passes.
    pub healthy: bool,
}

/// A lab's state in CML's words; `Unknown` keeps what a newer version may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabState {
    /// Nodes are defined, none holds a disk.
    DefinedOnCore,
    /// At least one node runs.
    Started,
    /// No node runs, disks are kept.
    Stopped,
    /// A state this version does not know.
    Unknown,
}

/// A lab as a controller shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabSeen {
    /// CML's id.
    pub id: LabId,
    /// Title.
    pub title: String,
    /// Description, empty when there is none.
    pub description: String,
    /// State.
    pub state: LabState,
    /// The owner's user name, when told.
    pub owner: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was changed.
    pub modified_at: Option<Timestamp>,
    /// Nodes with their positions.
    pub nodes: Vec<NodeSeen>,
    /// Links between nodes.
    pub links: Vec<LinkSeen>,
}

/// A node of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// CML's id within the lab.
    pub id: String,
    /// Label.
    pub label: String,
    /// Node definition, such as `iosv`.
    pub definition: String,
    /// State in CML's words, such as `BOOTED`.
    pub state: String,
    /// Horizontal position on CML's canvas.
    pub x: i32,
    /// Vertical position on CML's canvas.
    pub y: i32,
}

/// A link of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSeen {
    /// One end's node id.
    pub a: String,
    /// The other end's node id.
    pub b: String,
}

/// What can be done to a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabAction {
    /// Start every node.
    Start,
    /// Stop every node.
    Stop,
    /// Throw the nodes' disks away; the lab must be stopped.
    Wipe,
    /// Remove the lab; it must be stopped and wiped.
    Delete,
}

/// Smart-licensing registration in CML's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Never registered, or deregistered.
    NotRegistered,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
    /// The licence server refused; the reason stands beside it.
    Failed,
    /// A state this version does not know.
    Unknown,
}

/// Smart-licensing authorization, reduced to what matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compliance {
    /// Nothing asked yet.
    Init,
    /// Within the licence.
    InCompliance,
    /// More in use than bought.
    OutOfCompliance,
    /// The evaluation period runs.
    Evaluation,
    /// Expired, or a state this version does not know.
    Other,
}

/// A licence as a controller shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseSeen {
    /// Registration state.
    pub registration: Registration,
    /// Why the last registration failed, in the licence server's words.
    pub reason: Option<String>,
    /// Authorization state.
    pub compliance: Compliance,
    /// Product licence, such as `CML_Enterprise`.
    pub product: Option<String>,
    /// When the registration ends.
    pub expires_at: Option<Timestamp>,
    /// Licensed features with their counts.
    pub features: Vec<LicenseFeature>,
}

/// One licensed feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseFeature {
    /// CML's id of the feature.
    pub id: String,
    /// Readable name.
    pub name: String,
    /// How many are asked for.
    pub in_use: u32,
    /// Status in CML's words.
    pub status: String,
}

/// How a controller answered a deregistration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deregistered {
    /// 204: gone here and at the licence server.
    Done,
    /// 202: gone here, the licence server did not answer; a seat may stay taken.
    LocalOnly,
    /// 400: it was not registered.
    WasNotRegistered,
    /// 409: another registration is under way; try again.
    Busy,
}

/// One record of CML's telemetry feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelemetryRecord {
    /// When it happened.
    pub at: Timestamp,
    /// Category, such as `start_lab`.
    pub category: String,
    /// The id of the account that did it, when told.
    pub user: Option<String>,
}

/// The telemetry feed as one read found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelemetryFeed {
    /// Records whose time could be read, oldest first.
    pub records: Vec<TelemetryRecord>,
    /// The id of the account that read the feed: marks what we ourselves caused.
    pub own_user: Option<String>,
    /// The controller's own clock at the read; record times are in this clock, which may be wrong.
    pub controller_now: Option<Timestamp>,
    /// Records whose time could not be read; more than none means that silence proves nothing.
    pub unreadable: u32,
}
