//! Topologies that people believably have.

use ccm_domain::Timestamp;
use uuid::Uuid;

use super::definitions::definition;
use super::labs::{Lab, Link, Node, Port, Run};

/// A sample: title, description, nodes as (label, definition, x, y), links as pairs of node numbers.
struct Sample {
    title: &'static str,
    description: &'static str,
    nodes: &'static [(&'static str, &'static str, i32, i32)],
    links: &'static [(usize, usize)],
}

const SAMPLES: &[Sample] = &[
    Sample {
        title: "OSPF triangle",
        description: "Three routers in area 0 with a host behind each of two",
        nodes: &[
            ("R1", "iosv", 0, -200),
            ("R2", "iosv", -240, 120),
            ("R3", "iosv", 240, 120),
            ("host-a", "alpine", -440, 240),
            ("host-b", "alpine", 440, 240),
        ],
        links: &[(0, 1), (1, 2), (2, 0), (1, 3), (2, 4)],
    },
    Sample {
        title: "Data center fabric",
        description: "Two spines, four leaves, EVPN over VXLAN",
        nodes: &[
            ("spine-1", "nxosv9000", -160, -240),
            ("spine-2", "nxosv9000", 160, -240),
            ("leaf-1", "nxosv9000", -360, 0),
            ("leaf-2", "nxosv9000", -120, 0),
            ("leaf-3", "nxosv9000", 120, 0),
            ("leaf-4", "nxosv9000", 360, 0),
            ("web", "ubuntu", -360, 200),
            ("db", "ubuntu", 360, 200),
        ],
        links: &[(0, 2), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 4), (1, 5), (2, 6), (5, 7)],
    },
    Sample {
        title: "Branch with firewall",
        description: "A branch office behind a firewall, with a way out",
        nodes: &[
            ("internet", "external_connector", -400, 0),
            ("edge", "csr1000v", -200, 0),
            ("fw", "asav", 0, 0),
            ("core", "iosvl2", 200, 0),
            ("pc-1", "alpine", 400, -120),
            ("pc-2", "alpine", 400, 120),
        ],
        links: &[(0, 1), (1, 2), (2, 3), (3, 4), (3, 5)],
    },
    Sample {
        title: "BGP between two providers",
        description: "Two providers, a customer with two uplinks",
        nodes: &[
            ("isp-a", "iosv", -260, -160),
            ("isp-b", "iosv", 260, -160),
            ("ce-1", "iosv", -160, 120),
            ("ce-2", "iosv", 160, 120),
        ],
        links: &[(0, 1), (0, 2), (1, 3), (2, 3)],
    },
    Sample {
        title: "Automation playground",
        description: "One jump host, four switches to configure",
        nodes: &[
            ("jump", "ubuntu", 0, -220),
            ("mgmt", "unmanaged_switch", 0, -60),
            ("sw-1", "iosvl2", -300, 120),
            ("sw-2", "iosvl2", -100, 120),
            ("sw-3", "iosvl2", 100, 120),
            ("sw-4", "iosvl2", 300, 120),
        ],
        links: &[(0, 1), (1, 2), (1, 3), (1, 4), (1, 5)],
    },
    Sample {
        title: "Segment routing core",
        description: "Four provider routers and two edges",
        nodes: &[
            ("p-1", "iosxrv9000", -140, -140),
            ("p-2", "iosxrv9000", 140, -140),
            ("p-3", "iosxrv9000", 140, 140),
            ("p-4", "iosxrv9000", -140, 140),
            ("pe-1", "cat8000v", -380, 0),
            ("pe-2", "cat8000v", 380, 0),
        ],
        links: &[(0, 1), (1, 2), (2, 3), (3, 0), (4, 0), (4, 3), (5, 1), (5, 2)],
    },
];

/// How many samples there are.
#[must_use]
pub(super) const fn count() -> usize {
    SAMPLES.len()
}

/// Makes a lab from the sample of that number, modulo their count.
pub(super) fn lab(
    number: usize,
    owner: Uuid,
    created: Timestamp,
    mut new_id: impl FnMut() -> Uuid,
) -> Lab {
    let sample = &SAMPLES[number % SAMPLES.len()];
    let mut nodes: Vec<Node> = sample.nodes.iter().map(|part| node(*part, &mut new_id)).collect();
    let mut links = Vec::with_capacity(sample.links.len());
    for (a, b) in sample.links {
        let id = new_id();
        let port_a = add_port(&mut nodes[*a], new_id());
        let port_b = add_port(&mut nodes[*b], new_id());
        links.push(Link { id, node_a: nodes[*a].id, port_a, node_b: nodes[*b].id, port_b });
    }
    Lab {
        id: new_id(),
        title: sample.title.to_owned(),
        description: sample.description.to_owned(),
        notes: String::new(),
        owner,
        created,
        modified: created,
        nodes,
        links,
    }
}

fn node((label, kind, x, y): (&str, &str, i32, i32), new_id: &mut impl FnMut() -> Uuid) -> Node {
    Node {
        id: new_id(),
        label: label.to_owned(),
        definition: kind.to_owned(),
        x,
        y,
        extra: None,
        ports: Vec::new(),
        run: Run::Fresh,
    }
}

/// Adds a port in the next slot and returns its id.
pub(super) fn add_port(node: &mut Node, id: Uuid) -> Uuid {
    let used = node.ports.iter().filter_map(|port| port.slot).max();
    let slot = used.map_or(0, |slot| slot + 1);
    let label = definition(&node.definition).port_name(slot);
    node.ports.push(Port { id, slot: Some(slot), label });
    id
}
