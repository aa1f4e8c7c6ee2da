//! What can be done to the nodes, ports and links of a lab, and to notices.

use ccm_domain::Timestamp;
use uuid::Uuid;

use super::definitions::is_known;
use super::host::Host;
use super::labs::{Lab, Link, Node, NodeExtra, Port, Run};
use super::refusal::Refusal;
use super::samples::add_port;

/// CML's limit for coordinates.
const FARTHEST: i32 = 15_000;
const LONGEST_LABEL: usize = 128;

/// What makes or changes a node; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct NodeChange {
    /// Label.
    pub label: Option<String>,
    /// Node definition; only when it is made.
    pub definition: Option<String>,
    /// Horizontal position.
    pub x: Option<i32>,
    /// Vertical position.
    pub y: Option<i32>,
    /// What is mostly left out, replaced as a whole.
    pub extra: Option<NodeExtra>,
}

/// A notice that the controller shows to its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// CML's id.
    pub id: Uuid,
    /// `INFO`, `SUCCESS`, `WARNING` or `ERROR`.
    pub level: String,
    /// Title.
    pub label: String,
    /// Text.
    pub content: String,
    /// Whether it is shown.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl Lab {
    /// Returns a node to be changed.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn node_mut(&mut self, id: Uuid) -> Result<&mut Node, Refusal> {
        let node = self.nodes.iter_mut().find(|node| node.id == id);
        node.ok_or_else(|| Refusal::missing("Node", id))
    }

    /// Returns a node.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn must_have_node(&self, id: Uuid) -> Result<&Node, Refusal> {
        self.node(id).ok_or_else(|| Refusal::missing("Node", id))
    }

    /// Returns a link.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn link(&self, id: Uuid) -> Result<&Link, Refusal> {
        let link = self.links.iter().find(|link| link.id == id);
        link.ok_or_else(|| Refusal::missing("Link", id))
    }

    /// Whether a link ends at the given port.
    #[must_use]
    pub fn is_connected(&self, port: Uuid) -> bool {
        self.links.iter().any(|link| link.port_a == port || link.port_b == port)
    }
}

impl Node {
    /// Changes what is given.
    ///
    /// # Errors
    /// 400 when a value is out of bounds.
    pub fn change(&mut self, change: NodeChange) -> Result<(), Refusal> {
        let NodeChange { label, definition: _, x, y, extra } = change;
        let (x, y) = (x.unwrap_or(self.x), y.unwrap_or(self.y));
        if x.abs() > FARTHEST || y.abs() > FARTHEST {
            return Err(Refusal::invalid("x and y must be between -15000 and 15000"));
        }
        if let Some(label) = label {
            if label.is_empty() || label.chars().count() > LONGEST_LABEL {
                return Err(Refusal::invalid("label must have 1 to 128 characters"));
            }
            self.label = label;
        }
        (self.x, self.y) = (x, y);
        if let Some(extra) = extra {
            self.extra = (extra != NodeExtra::default()).then(|| Box::new(extra));
        }
        Ok(())
    }
}

impl Host {
    /// Adds a node, with its definition's ports if asked to.
    ///
    /// # Errors
    /// 404 without the lab, 400 without label or definition or out of bounds.
    pub fn add_node(
        &mut self,
        lab: Uuid,
        change: NodeChange,
        with_ports: bool,
        now: Timestamp,
    ) -> Result<Uuid, Refusal> {
        let wanted = change.definition.clone().unwrap_or_default();
        if !is_known(&wanted) {
            return Err(Refusal::invalid(format!("Node definition not found: {wanted}")));
        }
        if change.label.is_none() {
            return Err(Refusal::invalid("label is required"));
        }
        let id = self.new_id();
        let mut node = Node {
            id,
            label: String::new(),
            definition: wanted,
            x: 0,
            y: 0,
            extra: None,
            ports: Vec::new(),
            run: Run::Fresh,
        };
        node.change(change)?;
        if with_ports {
            for _ in 0..node.kind().ports {
                add_port(&mut node, self.new_id());
            }
        }
        let lab = self.lab_mut(lab)?;
        lab.nodes.push(node);
        lab.modified = now;
        Ok(id)
    }

    /// Removes a stopped and wiped node with its links.
    ///
    /// # Errors
    /// 404 when it is not there, 409 while it runs or holds a disk.
    pub fn remove_node(&mut self, lab: Uuid, id: Uuid, now: Timestamp) -> Result<(), Refusal> {
        let lab = self.lab_mut(lab)?;
        if lab.must_have_node(id)?.run != Run::Fresh {
            let text = format!("Node must be stopped and wiped before deleting: {id}");
            return Err(Refusal::conflict(text));
        }
        lab.links.retain(|link| link.node_a != id && link.node_b != id);
        lab.nodes.retain(|node| node.id != id);
        lab.modified = now;
        Ok(())
    }

    /// Starts, stops or wipes one node.
    ///
    /// # Errors
    /// 404 when it is not there, 409 when it runs and is to be wiped, 503 until the boot is over.
    pub fn run_node(
        &mut self,
        (lab, id): (Uuid, Uuid),
        to: NodeRun,
        user: Uuid,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if to == NodeRun::Start {
            self.must_be_ready()?;
        }
        let lab = self.lab_mut(lab)?;
        let node = lab.node_mut(id)?;
        let is_on = node.state(now).is_on();
        let category = match to {
            NodeRun::Start => {
                if !is_on {
                    node.run = Run::On { since: now, queued_behind: 0 };
                }
                "start_node"
            }
            NodeRun::Stop => {
                if is_on {
                    node.run = Run::Off;
                }
                "stop_node"
            }
            NodeRun::Wipe if is_on => {
                let text = format!("Node must be stopped before wiping: {id}");
                return Err(Refusal::conflict(text));
            }
            NodeRun::Wipe => {
                node.run = Run::Fresh;
                "wipe_node"
            }
        };
        lab.modified = now;
        self.record(now, category, Some(user), Some(id));
        Ok(())
    }

    /// Adds a port in the given slot and in all free slots below it, or in the next one.
    ///
    /// # Errors
    /// 404 when the node is not there, 400 for a slot that is too high.
    pub fn add_ports(
        &mut self,
        lab: Uuid,
        node: Uuid,
        slot: Option<u32>,
    ) -> Result<Vec<Port>, Refusal> {
        if slot.is_some_and(|slot| slot > 128) {
            return Err(Refusal::invalid("slot must be between 0 and 128"));
        }
        let used = self.lab(lab)?.must_have_node(node)?.ports.iter().filter_map(|port| port.slot);
        let next = used.max().map_or(0, |slot| slot + 1);
        let ids: Vec<_> = (next..=slot.unwrap_or(next)).map(|_| self.new_id()).collect();
        let node = self.lab_mut(lab)?.node_mut(node)?;
        let made: Vec<_> = ids.into_iter().map(|id| add_port(node, id)).collect();
        Ok(made.into_iter().filter_map(|id| node.port(id).cloned()).collect())
    }

    /// Links two ports.
    ///
    /// # Errors
    /// 404 when a port is not there, 409 when one is linked already, 400 for a port with itself.
    pub fn add_link(
        &mut self,
        lab: Uuid,
        (port_a, port_b): (Uuid, Uuid),
        now: Timestamp,
    ) -> Result<Link, Refusal> {
        let id = self.new_id();
        let lab = self.lab_mut(lab)?;
        let node_of = |port| {
            let node = lab.node_of_port(port).map(|node| node.id);
            node.ok_or_else(|| Refusal::missing("Interface", port))
        };
        let (node_a, node_b) = (node_of(port_a)?, node_of(port_b)?);
        if port_a == port_b {
            return Err(Refusal::invalid("A link needs two interfaces"));
        }
        if let Some(taken) = [port_a, port_b].into_iter().find(|port| lab.is_connected(*port)) {
            return Err(Refusal::conflict(format!("Interface is already connected: {taken}")));
        }
        let link = Link { id, node_a, port_a, node_b, port_b };
        lab.links.push(link);
        lab.modified = now;
        Ok(link)
    }

    /// Removes a link.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn remove_link(&mut self, lab: Uuid, id: Uuid, now: Timestamp) -> Result<(), Refusal> {
        let lab = self.lab_mut(lab)?;
        lab.link(id)?;
        lab.links.retain(|link| link.id != id);
        lab.modified = now;
        Ok(())
    }
}

/// What can be done to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRun {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Throw its disk away.
    Wipe,
}
