//! Labs, nodes, ports and links as CML writes them.

use ccm_domain::Timestamp;
use ccm_testkit::lab_host::labs::{Lab, Link, Node, NodeState, Port, Run, lab_state_word};
use ccm_testkit::lab_host::{Host, TimeForm, topology};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Writes a moment as CML does outside licensing and telemetry.
pub(crate) fn time(at: Timestamp) -> String {
    TimeForm::Offset.write(at)
}

/// The one compute host of a controller.
pub(crate) fn compute_id(host: &Host) -> Uuid {
    let random = Uuid::from_u64_pair(host.crew.dice(40), host.crew.dice(41));
    uuid::Builder::from_random_bytes(random.into_bytes()).into_uuid()
}

/// `LabResponse`.
pub(crate) fn lab(host: &Host, lab: &Lab, is_2_10: bool, now: Timestamp) -> Value {
    let owner = host.accounts.get(lab.owner);
    let mut body = json!({
        "id": lab.id,
        "created": time(lab.created),
        "modified": time(lab.modified),
        "lab_title": lab.title,
        "lab_description": lab.description,
        "lab_notes": lab.notes,
        "owner": lab.owner,
        "owner_username": owner.map(|account| account.username.as_str()),
        "owner_fullname": owner.map(|account| account.fullname.as_str()),
        "state": lab_state_word(lab.state(now)),
        "node_count": lab.nodes.len(),
        "link_count": lab.links.len(),
        "groups": [],
        "effective_permissions": ["lab_admin", "lab_edit", "lab_exec", "lab_view"],
    });
    if let (true, Some(fields)) = (is_2_10, body.as_object_mut()) {
        fields.extend(newer_lab_fields());
    }
    body
}

/// What 2.10 adds to labs.
fn newer_lab_fields() -> Map<String, Value> {
    let autostart = json!({ "enabled": false, "priority": null, "delay": null });
    let staging = json!({ "enabled": false, "start_remaining": true, "abort_on_failure": false });
    Map::from_iter([("autostart".to_owned(), autostart), ("node_staging".to_owned(), staging)])
}

/// `LabInfoResponse`, a tile.
pub(crate) fn tile(host: &Host, of: &Lab, is_2_10: bool, now: Timestamp) -> Value {
    let mut body = lab(host, of, is_2_10, now);
    let nodes: Vec<_> =
        of.nodes.iter().map(|n| node(host, of, n, Detail::default(), now)).collect();
    let links: Vec<_> = of.links.iter().map(|l| link(of, l, now)).collect();
    body["topology"] = json!({ "nodes": nodes, "links": links });
    body
}

/// How much of a node is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Detail {
    pub(crate) operational: bool,
    pub(crate) without_configuration: bool,
}

/// `Node`.
pub(crate) fn node(host: &Host, lab: &Lab, of: &Node, detail: Detail, now: Timestamp) -> Value {
    let state = of.state(now);
    let mut body = node_topology(of, detail.without_configuration);
    let booted = match state {
        NodeState::Booted => "Booted",
        NodeState::Queued | NodeState::Started => "Booting",
        NodeState::DefinedOnCore | NodeState::Stopped => "Not running",
    };
    body["lab_id"] = json!(lab.id);
    body["state"] = json!(state.word());
    body["boot_progress"] = json!(booted);
    body["resource_pool"] = Value::Null;
    body["pinned_compute_id"] = Value::Null;
    if detail.operational {
        let compute = state.is_on().then(|| compute_id(host));
        body["operational"] = json!({
            "boot_disk_size": null,
            "cpu_limit": state.is_on().then_some(100),
            "cpus": state.is_on().then(|| of.cpus()),
            "data_volume": null,
            "ram": state.is_on().then(|| of.ram()),
            "compute_id": compute,
            "image_definition": null,
            "vnc_key": null,
            "resource_pool": null,
            "serial_consoles": [],
        });
    }
    body
}

/// `NodeTopology` without its ports.
fn node_topology(of: &Node, without_configuration: bool) -> Value {
    let extra = of.extra.as_deref().cloned().unwrap_or_default();
    let mut body = json!({
        "id": of.id,
        "label": of.label,
        "node_definition": of.definition,
        "x": of.x,
        "y": of.y,
        "parameters": {},
        "image_definition": extra.image,
        "ram": extra.ram,
        "cpus": extra.cpus,
        "cpu_limit": null,
        "data_volume": null,
        "boot_disk_size": null,
        "hide_links": false,
        "tags": extra.tags,
    });
    if !without_configuration {
        body["configuration"] = extra.configuration;
    }
    body
}

/// `InterfaceResponse`.
pub(crate) fn port(lab: &Lab, of: &Node, port: &Port, now: Timestamp) -> Value {
    json!({
        "id": port.id,
        "lab_id": lab.id,
        "node": of.id,
        "label": port.label,
        "slot": port.slot,
        "type": port_type(port),
        "mac_address": null,
        "is_connected": lab.is_connected(port.id),
        "state": port_state(of, now),
    })
}

/// State of a port: it runs with its node.
pub(crate) fn port_state(of: &Node, now: Timestamp) -> &'static str {
    match of.state(now) {
        NodeState::DefinedOnCore => "DEFINED_ON_CORE",
        NodeState::Stopped | NodeState::Queued => "STOPPED",
        NodeState::Started | NodeState::Booted => "STARTED",
    }
}

fn port_type(port: &Port) -> &'static str {
    if port.slot.is_some() { "physical" } else { "loopback" }
}

/// `Link`.
pub(crate) fn link(lab: &Lab, of: &Link, now: Timestamp) -> Value {
    json!({
        "id": of.id,
        "lab_id": lab.id,
        "label": link_label(lab, of),
        "state": lab.link_state(of, now),
        "link_capture_key": "",
        "interface_a": of.port_a,
        "interface_b": of.port_b,
        "node_a": of.node_a,
        "node_b": of.node_b,
    })
}

fn link_label(lab: &Lab, of: &Link) -> String {
    let end = |node, port| {
        let node = lab.node(node)?;
        Some(format!("{}-{}", node.label, node.port(port)?.label))
    };
    let a = end(of.node_a, of.port_a).unwrap_or_default();
    let b = end(of.node_b, of.port_b).unwrap_or_default();
    format!("{a}<->{b}")
}

/// `TopologyResponse`.
pub(crate) fn topology(
    of: &Lab,
    without_configuration: bool,
    is_2_10: bool,
    now: Timestamp,
) -> Value {
    let nodes: Vec<_> = of
        .nodes
        .iter()
        .map(|node| {
            let mut body = node_topology(node, without_configuration);
            body["interfaces"] = node.ports.iter().map(interface_topology).collect();
            body
        })
        .collect();
    let links: Vec<_> = of
        .links
        .iter()
        .map(|each| {
            let mut body = link(of, each, now);
            body["conditioning"] = json!({});
            body
        })
        .collect();
    let mut lab = json!({
        "version": topology::SCHEMA,
        "title": of.title,
        "description": of.description,
        "notes": of.notes,
        "owner": of.owner,
    });
    if let (true, Some(fields)) = (is_2_10, lab.as_object_mut()) {
        fields.extend(newer_lab_fields());
    }
    json!({
        "lab": lab, "nodes": nodes, "links": links, "annotations": [], "smart_annotations": [],
    })
}

fn interface_topology(port: &Port) -> Value {
    json!({
        "id": port.id,
        "label": port.label,
        "slot": port.slot,
        "type": port_type(port),
        "mac_address": null,
    })
}

/// `lab_element_state`: three maps.
pub(crate) fn element_states(of: &Lab, now: Timestamp) -> Value {
    let nodes: Map<_, _> =
        of.nodes.iter().map(|n| (n.id.to_string(), n.state(now).word().into())).collect();
    let links: Map<_, _> =
        of.links.iter().map(|l| (l.id.to_string(), of.link_state(l, now).into())).collect();
    let ports = of.nodes.iter().flat_map(|node| node.ports.iter().map(move |port| (node, port)));
    let interfaces: Map<_, _> =
        ports.map(|(node, port)| (port.id.to_string(), port_state(node, now).into())).collect();
    json!({ "nodes": nodes, "links": links, "interfaces": interfaces })
}

/// `simulation_stats` as it is on the wire: maps of counters, not the lists of the document.
pub(crate) fn simulation_stats(of: &Lab, now: Timestamp) -> Value {
    let nodes: Map<_, _> = of
        .nodes
        .iter()
        .filter(|node| node.state(now).is_on())
        .map(|node| {
            let seconds = uptime(node, now);
            let stats = json!({
                "cpu_usage": f64::from(node.kind().busy),
                "block0_rd_bytes": seconds * 40_960,
                "block0_wr_bytes": seconds * 8_192,
            });
            (node.id.to_string(), stats)
        })
        .collect();
    let links: Map<_, _> = of
        .links
        .iter()
        .filter(|link| of.link_state(link, now) == "STARTED")
        .map(|link| {
            let ends =
                [link.node_a, link.node_b].map(|id| of.node(id).map_or(0, |n| uptime(n, now)));
            let seconds = ends[0].min(ends[1]);
            let stats = json!({
                "readbytes": seconds * 310,
                "readpackets": seconds * 4,
                "writebytes": seconds * 295,
                "writepackets": seconds * 4,
                "drops": 0,
            });
            (link.id.to_string(), stats)
        })
        .collect();
    json!({ "nodes": nodes, "links": links })
}

fn uptime(node: &Node, now: Timestamp) -> u64 {
    match node.run {
        Run::On { since, .. } => now.since(since).as_secs(),
        Run::Fresh | Run::Off => 0,
    }
}
