//! Labs, nodes, ports and links, with states that follow from the clock.

use std::time::Duration;

use ccm_domain::{Timestamp, cml::LabState};
use serde_json::Value;
use uuid::Uuid;

use super::definitions::{Definition, definition};

/// Seconds that a node waits in the queue for each node started before it in the same lab.
const QUEUE_STEP: Duration = Duration::from_millis(700);
/// Seconds until even the first node leaves the queue.
const QUEUE_LEAST: Duration = Duration::from_secs(2);

/// A lab.
#[derive(Clone, Debug)]
pub struct Lab {
    /// CML's id.
    pub id: Uuid,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Notes.
    pub notes: String,
    /// The owner's id.
    pub owner: Uuid,
    /// When it was made.
    pub created: Timestamp,
    /// When its topology or state was changed.
    pub modified: Timestamp,
    /// Nodes in the order of their making.
    pub nodes: Vec<Node>,
    /// Links in the order of their making.
    pub links: Vec<Link>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// CML's id.
    pub id: Uuid,
    /// Label.
    pub label: String,
    /// Id of its node definition.
    pub definition: String,
    /// Horizontal position.
    pub x: i32,
    /// Vertical position.
    pub y: i32,
    /// What its maker set beside that; travels through import and download.
    pub extra: Option<Box<NodeExtra>>,
    /// Ports in slot order.
    pub ports: Vec<Port>,
    /// Whether it runs.
    pub run: Run,
}

/// Parts of a node that are mostly left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeExtra {
    /// Day-0 configuration: text, one file or a list of files.
    pub configuration: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// Image instead of the definition's newest.
    pub image: Option<String>,
    /// Memory in MiB instead of the definition's.
    pub ram: Option<u32>,
    /// Virtual CPUs instead of the definition's.
    pub cpus: Option<u32>,
}

/// A port, "interface" in CML's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// CML's id.
    pub id: Uuid,
    /// Slot; `None` for a loopback.
    pub slot: Option<u32>,
    /// Label, such as `GigabitEthernet0/0`.
    pub label: String,
}

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// CML's id.
    pub id: Uuid,
    /// Node of one end.
    pub node_a: Uuid,
    /// Port of one end.
    pub port_a: Uuid,
    /// Node of the other end.
    pub node_b: Uuid,
    /// Port of the other end.
    pub port_b: Uuid,
}

/// Whether a node runs, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Run {
    /// Never started, or wiped.
    #[default]
    Fresh,
    /// Started at the given moment.
    On {
        /// When.
        since: Timestamp,
        /// How many nodes of the lab stood before it in the queue.
        queued_behind: u32,
    },
    /// Stopped; its disk is kept.
    Off,
}

/// A node's state in CML's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "CML's own words")]
pub enum NodeState {
    DefinedOnCore,
    Queued,
    Started,
    Booted,
    Stopped,
}

impl NodeState {
    /// Returns CML's spelling.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::DefinedOnCore => "DEFINED_ON_CORE",
            Self::Queued => "QUEUED",
            Self::Started => "STARTED",
            Self::Booted => "BOOTED",
            Self::Stopped => "STOPPED",
        }
    }

    /// Whether it runs or is about to.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::Queued | Self::Started | Self::Booted)
    }
}

impl Node {
    /// Returns its definition.
    #[must_use]
    pub fn kind(&self) -> &'static Definition {
        definition(&self.definition)
    }

    /// Returns its memory in MiB.
    #[must_use]
    pub fn ram(&self) -> u32 {
        self.extra.as_ref().and_then(|extra| extra.ram).unwrap_or(self.kind().ram)
    }

    /// Returns its virtual CPUs.
    #[must_use]
    pub fn cpus(&self) -> u32 {
        self.extra.as_ref().and_then(|extra| extra.cpus).unwrap_or(self.kind().cpus)
    }

    /// Returns its state at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> NodeState {
        match self.run {
            Run::Fresh => NodeState::DefinedOnCore,
            Run::Off => NodeState::Stopped,
            Run::On { since, queued_behind } => {
                let on = now.since(since);
                let queued = QUEUE_LEAST + QUEUE_STEP * queued_behind;
                let boots_in = Duration::from_secs(u64::from(self.kind().boots_in));
                match () {
                    () if on >= queued + boots_in => NodeState::Booted,
                    () if on >= queued => NodeState::Started,
                    () => NodeState::Queued,
                }
            }
        }
    }

    /// Returns a port by its id.
    #[must_use]
    pub fn port(&self, id: Uuid) -> Option<&Port> {
        self.ports.iter().find(|port| port.id == id)
    }
}

impl Lab {
    /// Returns its state at `now`: started while any node runs.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> LabState {
        let mut state = LabState::DefinedOnCore;
        for node in &self.nodes {
            match node.state(now) {
                node if node.is_on() => return LabState::Started,
                NodeState::Stopped => state = LabState::Stopped,
                NodeState::DefinedOnCore
                | NodeState::Queued
                | NodeState::Started
                | NodeState::Booted => {}
            }
        }
        state
    }

    /// Whether nothing in it is on its way to another state.
    #[must_use]
    pub fn has_converged(&self, now: Timestamp) -> bool {
        !self
            .nodes
            .iter()
            .any(|node| matches!(node.state(now), NodeState::Queued | NodeState::Started))
    }

    /// Returns a node by its id.
    #[must_use]
    pub fn node(&self, id: Uuid) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Returns the node that has the given port.
    #[must_use]
    pub fn node_of_port(&self, port: Uuid) -> Option<&Node> {
        self.nodes.iter().find(|node| node.port(port).is_some())
    }

    /// Returns a link's state in CML's words: started while both of its ends run.
    #[must_use]
    pub fn link_state(&self, link: &Link, now: Timestamp) -> &'static str {
        let end = |id| self.node(id).map_or(NodeState::DefinedOnCore, |node| node.state(now));
        match (end(link.node_a), end(link.node_b)) {
            (a, b) if a.is_on() && b.is_on() => "STARTED",
            (NodeState::DefinedOnCore, NodeState::DefinedOnCore) => "DEFINED_ON_CORE",
            _ => "STOPPED",
        }
    }

    /// Starts every node that does not run.
    pub fn start(&mut self, now: Timestamp) {
        let mut queued_behind = 0;
        for node in &mut self.nodes {
            if !node.state(now).is_on() {
                node.run = Run::On { since: now, queued_behind };
                queued_behind += 1;
            }
        }
        self.modified = now;
    }

    /// Stops every node that runs.
    pub fn stop(&mut self, now: Timestamp) {
        for node in &mut self.nodes {
            if node.state(now).is_on() {
                node.run = Run::Off;
                self.modified = now;
            }
        }
    }

    /// Throws all disks away.
    pub fn wipe(&mut self, now: Timestamp) {
        for node in &mut self.nodes {
            node.run = Run::Fresh;
        }
        self.modified = now;
    }
}

/// Returns CML's spelling of a lab's state.
#[must_use]
pub const fn lab_state_word(state: LabState) -> &'static str {
    match state {
        LabState::DefinedOnCore => "DEFINED_ON_CORE",
        LabState::Started => "STARTED",
        LabState::Stopped => "STOPPED",
        LabState::Unknown => "UNKNOWN",
    }
}
