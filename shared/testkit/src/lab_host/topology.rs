//! CML's topology file: YAML in at import, YAML out at download.
//!
//! Ids in the file are short (`n0`, `i0`, `l0`); a port's id is unique within its node only.

use std::collections::HashMap;

use ccm_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::definitions::{definition, is_known};
use super::labs::{Lab, Link, Node, NodeExtra, Port, Run};
use super::refusal::Refusal;

/// The schema version that is written.
pub const SCHEMA: &str = "0.3.0";
/// CML's limit for titles.
pub const LONGEST_TITLE: usize = 64;

/// A topology file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TopologyFile {
    lab: LabPart,
    #[serde(default)]
    nodes: Vec<NodePart>,
    #[serde(default)]
    links: Vec<LinkPart>,
    #[serde(default)]
    annotations: Vec<Value>,
    #[serde(default)]
    smart_annotations: Vec<Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct LabPart {
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    version: Value,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct NodePart {
    id: String,
    label: String,
    node_definition: String,
    #[serde(default)]
    x: i32,
    #[serde(default)]
    y: i32,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    configuration: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image_definition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ram: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpus: Option<u32>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    interfaces: Vec<PortPart>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PortPart {
    id: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<u32>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct LinkPart {
    id: String,
    n1: String,
    n2: String,
    i1: String,
    i2: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// A lab read from a file, and what CML would warn of.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The lab.
    pub lab: Lab,
    /// Warnings, empty when there are none.
    pub warnings: Vec<String>,
}

/// Reads a topology file (YAML, hence JSON too) into a lab with new ids.
///
/// # Errors
/// 400 with the reason when the text is no topology or its links lead nowhere.
pub fn import(
    text: &str,
    owner: Uuid,
    now: Timestamp,
    mut new_id: impl FnMut() -> Uuid,
) -> Result<Imported, Refusal> {
    let file: TopologyFile = serde_yaml_ng::from_str(text)
        .map_err(|err| Refusal::invalid(format!("Bad topology: {err}")))?;
    if file.lab.title.chars().count() > LONGEST_TITLE {
        return Err(Refusal::invalid("Bad topology: lab.title is longer than 64 characters"));
    }
    let mut warnings = Vec::new();
    let mut nodes = Vec::with_capacity(file.nodes.len());
    let mut ends: HashMap<(&str, &str), (Uuid, Uuid)> = HashMap::new();
    for part in &file.nodes {
        if !is_known(&part.node_definition) {
            warnings.push(format!("Node definition not found: {}", part.node_definition));
        }
        let node = read_node(part, &mut new_id);
        for (port, read) in part.interfaces.iter().zip(&node.ports) {
            if ends.insert((&part.id, &port.id), (node.id, read.id)).is_some() {
                let (node, port) = (&part.id, &port.id);
                return Err(Refusal::invalid(format!("Bad topology: {node}/{port} occurs twice")));
            }
        }
        nodes.push(node);
    }
    let mut links = Vec::with_capacity(file.links.len());
    for part in &file.links {
        let end = |node: &str, port: &str| {
            ends.get(&(node, port)).copied().ok_or_else(|| {
                let id = &part.id;
                Refusal::invalid(format!("Bad topology: link {id} leads to {node}/{port}"))
            })
        };
        let (node_a, port_a) = end(&part.n1, &part.i1)?;
        let (node_b, port_b) = end(&part.n2, &part.i2)?;
        links.push(Link { id: new_id(), node_a, port_a, node_b, port_b });
    }
    let LabPart { title, description, notes, version: _ } = file.lab;
    let id = new_id();
    let (created, modified) = (now, now);
    let lab = Lab { id, title, description, notes, owner, created, modified, nodes, links };
    Ok(Imported { lab, warnings })
}

fn read_node(part: &NodePart, new_id: &mut impl FnMut() -> Uuid) -> Node {
    let kind = definition(&part.node_definition);
    let ports = part
        .interfaces
        .iter()
        .map(|port| {
            let is_loopback = port.kind.as_deref() == Some("loopback");
            let slot = if is_loopback { None } else { port.slot };
            let label = port.label.clone().unwrap_or_else(|| kind.port_name(slot.unwrap_or(0)));
            Port { id: new_id(), slot, label }
        })
        .collect();
    let extra = NodeExtra {
        configuration: part.configuration.clone(),
        tags: part.tags.clone(),
        image: part.image_definition.clone(),
        ram: part.ram,
        cpus: part.cpus,
    };
    Node {
        id: new_id(),
        label: part.label.clone(),
        definition: part.node_definition.clone(),
        x: part.x,
        y: part.y,
        extra: (extra != NodeExtra::default()).then(|| Box::new(extra)),
        ports,
        run: Run::Fresh,
    }
}

/// Writes a lab as a topology file.
#[must_use]
pub fn download(lab: &Lab) -> String {
    let mut names: HashMap<Uuid, String> = HashMap::new();
    for (n, node) in lab.nodes.iter().enumerate() {
        names.insert(node.id, format!("n{n}"));
        names.extend(node.ports.iter().enumerate().map(|(i, port)| (port.id, format!("i{i}"))));
    }
    let name = |id: Uuid| names.get(&id).cloned().unwrap_or_default();
    let links = lab.links.iter().enumerate().map(|(l, link)| LinkPart {
        id: format!("l{l}"),
        n1: name(link.node_a),
        n2: name(link.node_b),
        i1: name(link.port_a),
        i2: name(link.port_b),
        label: None,
    });
    let file = TopologyFile {
        lab: LabPart {
            title: lab.title.clone(),
            description: lab.description.clone(),
            notes: lab.notes.clone(),
            version: SCHEMA.into(),
        },
        nodes: lab.nodes.iter().map(|node| write_node(node, name)).collect(),
        links: links.collect(),
        annotations: Vec::new(),
        smart_annotations: Vec::new(),
    };
    serde_yaml_ng::to_string(&file).unwrap_or_default()
}

fn write_node(node: &Node, name: impl Fn(Uuid) -> String) -> NodePart {
    let NodeExtra { configuration, tags, image, ram, cpus } =
        node.extra.as_deref().cloned().unwrap_or_default();
    let interfaces = node.ports.iter().map(|port| PortPart {
        id: name(port.id),
        label: Some(port.label.clone()),
        slot: port.slot,
        kind: Some(if port.slot.is_some() { "physical" } else { "loopback" }.to_owned()),
    });
    NodePart {
        id: name(node.id),
        label: node.label.clone(),
        node_definition: node.definition.clone(),
        x: node.x,
        y: node.y,
        configuration,
        image_definition: image,
        ram,
        cpus,
        tags,
        interfaces: interfaces.collect(),
    }
}
