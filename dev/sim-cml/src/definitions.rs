//! Node and image definitions.

use axum::Json as Out;
use axum::extract::Path;
use ccm_testkit::lab_host::Refusal;
use ccm_testkit::lab_host::definitions::{DEFINITIONS, Definition};
use serde_json::{Value, json};

use crate::answer::{Answer, json_ok};
use crate::site::Caller;

fn full(of: &Definition) -> Value {
    let ports: Vec<_> = (0..u32::from(of.ports)).map(|slot| of.port_name(slot)).collect();
    json!({
        "id": of.id,
        "general": { "nature": of.nature, "description": of.label, "read_only": true },
        "device": {
            "interfaces": {
                "serial_ports": i32::from(of.is_machine()), "default_console": 0,
                "physical": ports, "has_loopback_zero": false,
                "default_count": of.ports.max(1),
            },
        },
        "ui": {
            "label_prefix": of.prefix, "icon": icon(of), "label": of.label, "visible": true,
            "group": "Cisco", "description": of.label,
        },
        "sim": {
            "linux_native": {
                "libvirt_domain_driver": of.driver, "driver": "server", "ram": of.ram.max(1),
                "cpus": of.cpus.max(1), "cpu_limit": 100,
            },
        },
        "boot": { "timeout": of.boots_in * 2, "completed": ["booted"] },
        "configuration": { "generator": { "driver": null } },
        "schema_version": "0.0.1",
    })
}

fn icon(of: &Definition) -> &'static str {
    match of.nature {
        "router" | "switch" | "server" | "host" | "firewall" => of.nature,
        _ => "cloud",
    }
}

fn simplified(of: &Definition) -> Value {
    let mut body = full(of);
    body["sim"] = json!({ "ram": of.ram, "cpus": of.cpus, "console": of.is_machine() });
    body["image_definitions"] = json!([image_id(of)]);
    body
}

fn image_id(of: &Definition) -> String {
    format!("{}-default", of.id)
}

fn image(of: &Definition) -> Value {
    json!({
        "id": image_id(of), "node_definition_id": of.id, "label": of.label,
        "disk_image": format!("{}.qcow2", of.id), "read_only": true, "schema_version": "0.0.1",
    })
}

/// `GET /node_definitions`.
pub(crate) async fn nodes(_caller: Caller) -> Out<Value> {
    Out(DEFINITIONS.iter().map(full).collect())
}

/// `GET /simplified_node_definitions`.
pub(crate) async fn simplified_nodes(_caller: Caller) -> Out<Value> {
    Out(DEFINITIONS.iter().map(simplified).collect())
}

/// `GET /node_definitions/{id}`.
pub(crate) async fn node(_caller: Caller, Path(id): Path<String>) -> Answer {
    let known = DEFINITIONS.iter().find(|known| known.id == id);
    json_ok(full(known.ok_or_else(|| Refusal::missing("Node Definition", &id))?))
}

/// `GET /image_definitions`.
pub(crate) async fn images(_caller: Caller) -> Out<Value> {
    Out(DEFINITIONS.iter().filter(|known| known.is_machine()).map(image).collect())
}
