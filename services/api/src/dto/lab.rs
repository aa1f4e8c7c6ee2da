//! Labs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::{Author, Moment};

/// A lab's state, in CML's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "CML's own words")]
pub enum LabState {
    DefinedOnCore,
    Started,
    Stopped,
    Unknown,
}

/// A node of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// CML's id within the lab.
    pub id: String,
    /// Label.
    pub label: String,
    /// Node definition.
    pub definition: String,
    /// State in CML's words, such as `BOOTED`.
    pub state: String,
    /// Horizontal position on CML's canvas.
    pub x: i32,
    /// Vertical position on CML's canvas.
    pub y: i32,
}

/// A link of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// One end's node.
    pub a: String,
    /// The other end's node.
    pub b: String,
}

/// The action on a lab that is under way, else the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabAction {
    /// The operation that carries it out.
    pub command: uuid::Uuid,
    /// `start`, `stop`, `wipe` or `delete`.
    pub kind: String,
    /// `requested`, `running`, `done` or `failed`.
    pub state: String,
    /// Who asked.
    pub asked_by: Author,
    /// When.
    pub asked_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// A state that a lab was in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabMoment {
    /// The state.
    pub state: LabState,
    /// When it was first seen.
    pub at: Moment,
}

/// A lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lab {
    /// CML's id, unique on its worker only.
    pub id: String,
    /// The worker.
    pub worker: uuid::Uuid,
    /// Grows with every change.
    pub rev: u64,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// State.
    pub state: LabState,
    /// The owner's user name.
    pub owner: Option<String>,
    /// When it was made, by the controller's clock.
    pub created_at: Option<Moment>,
    /// When it was changed, by the controller's clock.
    pub modified_at: Option<Moment>,
    /// Nodes with their positions.
    pub nodes: Vec<Node>,
    /// Links between nodes.
    pub links: Vec<Link>,
    /// How many nodes are in which state.
    pub nodes_by_state: BTreeMap<String, u32>,
    /// The action under way, else the last one.
    pub action: Option<LabAction>,
    /// What may be done now.
    pub allowed: Vec<String>,
    /// States, oldest first.
    pub history: Vec<LabMoment>,
    /// When it was first seen.
    pub first_seen_at: Moment,
    /// When it was last seen.
    pub seen_at: Moment,
    /// When it was found to be gone.
    pub removed_at: Option<Moment>,
    /// Whether its file was saved before its worker was terminated.
    pub has_saved_file: bool,
}

/// A lab file to be imported; it may also be sent as it is, as `application/yaml`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportLab {
    /// The file, YAML as CML exports it, at most 1 MiB.
    #[schema(max_length = 1_048_576)]
    pub topology: String,
    /// A title in place of the file's own.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    pub title: Option<String>,
}
