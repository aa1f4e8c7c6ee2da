//! Routes of nodes, links and ports.

use axum::Json as Out;
use axum::extract::Path;
use axum::http::StatusCode;
use ccm_testkit::lab_host::Refusal;
use ccm_testkit::lab_host::element_ops::{NodeChange, NodeRun};
use ccm_testkit::lab_host::labs::NodeExtra;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Answer, Json, Query, json_ok};
use crate::lab_views::{self as views, Detail};
use crate::site::{Caller, id};

/// Lab and element of a path.
type Pair = Path<(String, String)>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeQuery {
    data: bool,
    operational: bool,
    exclude_configurations: bool,
    populate_interfaces: bool,
}

impl NodeQuery {
    fn detail(&self) -> Detail {
        let without_configuration = self.exclude_configurations;
        Detail { operational: self.operational, without_configuration }
    }
}

/// `NodeCreate` and `NodeUpdate`; what the model does not keep is taken and forgotten.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NodeBody {
    label: Option<String>,
    node_definition: Option<String>,
    x: Option<i32>,
    y: Option<i32>,
    configuration: Option<Value>,
    image_definition: Option<String>,
    ram: Option<u32>,
    cpus: Option<u32>,
    tags: Option<Vec<String>>,
    #[serde(rename = "parameters")]
    _parameters: Value,
    #[serde(rename = "cpu_limit")]
    _cpu_limit: Value,
    #[serde(rename = "data_volume")]
    _data_volume: Value,
    #[serde(rename = "boot_disk_size")]
    _boot_disk_size: Value,
    #[serde(rename = "hide_links")]
    _hide_links: Value,
    #[serde(rename = "pinned_compute_id")]
    _pinned_compute_id: Value,
    #[serde(rename = "priority")]
    _priority: Value,
    #[serde(rename = "pyats")]
    _pyats: Value,
}

impl NodeBody {
    /// Returns the change to a node that has `extra` so far.
    fn change(self, extra: NodeExtra) -> NodeChange {
        let Self { label, node_definition: definition, x, y, .. } = self;
        let extra = NodeExtra {
            configuration: self.configuration.unwrap_or(extra.configuration),
            tags: self.tags.unwrap_or(extra.tags),
            image: self.image_definition.or(extra.image),
            ram: self.ram.or(extra.ram),
            cpus: self.cpus.or(extra.cpus),
        };
        NodeChange { label, definition, x, y, extra: Some(extra) }
    }
}

/// `GET /labs/{id}/nodes`: ids, or nodes with `data=true`.
pub(crate) async fn nodes(
    caller: Caller,
    Path(lab): Path<String>,
    Query(query): Query<NodeQuery>,
) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let nodes = lab.nodes.iter();
        Ok(if query.data || query.operational {
            nodes.map(|node| views::node(host, lab, node, query.detail(), now)).collect()
        } else {
            nodes.map(|node| json!(node.id)).collect()
        })
    })?)
}

/// `GET /nodes`: of all labs.
pub(crate) async fn all_nodes(caller: Caller, Query(query): Query<NodeQuery>) -> Answer {
    json_ok(caller.visit(|host, now| {
        let nodes = host.labs().iter().flat_map(|lab| lab.nodes.iter().map(move |n| (lab, n)));
        Ok(nodes.map(|(lab, node)| views::node(host, lab, node, query.detail(), now)).collect())
    })?)
}

/// `POST /labs/{id}/nodes`.
pub(crate) async fn add_node(
    caller: Caller,
    Path(lab): Path<String>,
    Query(query): Query<NodeQuery>,
    Json(body): Json<NodeBody>,
) -> Answer {
    let made = caller.visit(|host, now| {
        let change = body.change(NodeExtra::default());
        host.add_node(id("Lab", &lab)?, change, query.populate_interfaces, now)
    })?;
    json_ok(json!({ "id": made }))
}

/// `GET /labs/{id}/nodes/{id}`.
pub(crate) async fn node(
    caller: Caller,
    Path((lab, node)): Pair,
    Query(query): Query<NodeQuery>,
) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let node = lab.must_have_node(id("Node", &node)?)?;
        Ok(views::node(host, lab, node, query.detail(), now))
    })?)
}

/// `PATCH /labs/{id}/nodes/{id}`.
pub(crate) async fn change_node(
    caller: Caller,
    Path((lab, node)): Pair,
    Json(body): Json<NodeBody>,
) -> Answer<Out<Uuid>> {
    Ok(Out(caller.visit(|host, now| {
        let lab = host.lab_mut(id("Lab", &lab)?)?;
        let node = lab.node_mut(id("Node", &node)?)?;
        let change = body.change(node.extra.as_deref().cloned().unwrap_or_default());
        node.change(change)?;
        let node = node.id;
        lab.modified = now;
        Ok(node)
    })?))
}

/// `DELETE /labs/{id}/nodes/{id}`.
pub(crate) async fn remove_node(caller: Caller, Path((lab, node)): Pair) -> Answer<StatusCode> {
    caller.visit(|host, now| host.remove_node(id("Lab", &lab)?, id("Node", &node)?, now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /labs/{id}/nodes/{id}/state`.
pub(crate) async fn node_state(caller: Caller, Path((lab, node)): Pair) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let node = lab.must_have_node(id("Node", &node)?)?;
        let body = views::node(host, lab, node, Detail::default(), now);
        Ok(json!({ "state": body["state"], "progress": body["boot_progress"] }))
    })?)
}

/// `GET /labs/{id}/nodes/{id}/check_if_converged`.
pub(crate) async fn node_converged(caller: Caller, Path((lab, node)): Pair) -> Answer<Out<bool>> {
    Ok(Out(caller.visit(|host, now| {
        let state = host.lab(id("Lab", &lab)?)?.must_have_node(id("Node", &node)?)?.state(now);
        Ok(!matches!(state.word(), "QUEUED" | "STARTED"))
    })?))
}

async fn run_node(caller: Caller, lab: &str, node: &str, to: NodeRun) -> Answer<StatusCode> {
    caller.visit(|host, now| {
        host.run_node((id("Lab", lab)?, id("Node", node)?), to, caller.user, now)
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /labs/{id}/nodes/{id}/state/start`.
pub(crate) async fn start_node(caller: Caller, Path((lab, node)): Pair) -> Answer<StatusCode> {
    run_node(caller, &lab, &node, NodeRun::Start).await
}

/// `PUT /labs/{id}/nodes/{id}/state/stop`.
pub(crate) async fn stop_node(caller: Caller, Path((lab, node)): Pair) -> Answer<StatusCode> {
    run_node(caller, &lab, &node, NodeRun::Stop).await
}

/// `PUT /labs/{id}/nodes/{id}/wipe_disks`.
pub(crate) async fn wipe_node(caller: Caller, Path((lab, node)): Pair) -> Answer<StatusCode> {
    run_node(caller, &lab, &node, NodeRun::Wipe).await
}

/// `GET /labs/{id}/nodes/{id}/interfaces`: ids, or ports with `data=true`.
pub(crate) async fn node_ports(
    caller: Caller,
    Path((lab, node)): Pair,
    Query(query): Query<NodeQuery>,
) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let node = lab.must_have_node(id("Node", &node)?)?;
        let ports = node.ports.iter();
        Ok(if query.data {
            ports.map(|port| views::port(lab, node, port, now)).collect()
        } else {
            ports.map(|port| json!(port.id)).collect()
        })
    })?)
}

/// `GET /labs/{id}/interfaces`: not in the document of 2.9, but called by clients.
pub(crate) async fn ports(caller: Caller, Path(lab): Path<String>) -> Answer {
    json_ok(caller.visit(|host, _| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let ports = lab.nodes.iter().flat_map(|node| &node.ports);
        let empty = json!({
            "mac_address": null, "src_udp_port": null, "dst_udp_port": null, "device_name": null,
        });
        Ok(ports.map(|port| json!({ "id": port.id, "operational": empty })).collect())
    })?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortBody {
    node: Uuid,
    slot: Option<u32>,
    #[serde(default, rename = "mac_address")]
    _mac_address: Value,
}

/// `POST /labs/{id}/interfaces`: one port, or a list when lower slots had to be filled.
pub(crate) async fn add_port(
    caller: Caller,
    Path(lab): Path<String>,
    Json(body): Json<PortBody>,
) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = id("Lab", &lab)?;
        let made = host.add_ports(lab, body.node, body.slot)?;
        let lab = host.lab(lab)?;
        let node = lab.must_have_node(body.node)?;
        let mut made: Vec<_> = made.iter().map(|port| views::port(lab, node, port, now)).collect();
        Ok(if made.len() == 1 { made.remove(0) } else { Value::Array(made) })
    })?)
}

/// `GET /labs/{id}/interfaces/{id}`.
pub(crate) async fn port(caller: Caller, Path((lab, port)): Pair) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let wanted = id("Interface", &port)?;
        let node = lab.node_of_port(wanted).ok_or_else(|| Refusal::missing("Interface", wanted))?;
        let port = node.port(wanted).ok_or_else(|| Refusal::missing("Interface", wanted))?;
        Ok(views::port(lab, node, port, now))
    })?)
}

/// `GET /labs/{id}/links`: ids, or links with `data=true`.
pub(crate) async fn links(
    caller: Caller,
    Path(lab): Path<String>,
    Query(query): Query<NodeQuery>,
) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        let links = lab.links.iter();
        Ok(if query.data {
            links.map(|link| views::link(lab, link, now)).collect()
        } else {
            links.map(|link| json!(link.id)).collect()
        })
    })?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkBody {
    src_int: Uuid,
    dst_int: Uuid,
}

/// `POST /labs/{id}/links`.
pub(crate) async fn add_link(
    caller: Caller,
    Path(lab): Path<String>,
    Json(body): Json<LinkBody>,
) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = id("Lab", &lab)?;
        let link = host.add_link(lab, (body.src_int, body.dst_int), now)?;
        Ok(views::link(host.lab(lab)?, &link, now))
    })?)
}

/// `GET /labs/{id}/links/{id}`.
pub(crate) async fn link(caller: Caller, Path((lab, link)): Pair) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(id("Lab", &lab)?)?;
        Ok(views::link(lab, lab.link(id("Link", &link)?)?, now))
    })?)
}

/// `DELETE /labs/{id}/links/{id}`.
pub(crate) async fn remove_link(caller: Caller, Path((lab, link)): Pair) -> Answer<StatusCode> {
    caller.visit(|host, now| host.remove_link(id("Lab", &lab)?, id("Link", &link)?, now))?;
    Ok(StatusCode::NO_CONTENT)
}
