//! What the running nodes cost, with a slow wave so that charts look alive.

use ccm_domain::Timestamp;
use ccm_domain::cml::ControllerLoad;

use super::labs::{Lab, Node, NodeState};

const MIB: f64 = 1024.0 * 1024.0;
const GIB: f64 = 1024.0 * MIB;

/// The machine that a controller runs on, as large as an `m5zn.metal`.
pub const CPUS: u32 = 48;
const MEMORY: f64 = 192.0 * GIB;
const DISK: f64 = 300.0 * GIB;
/// Taken by the controller itself.
const OWN_MEMORY: f64 = 5.5 * GIB;
const OWN_DISK: f64 = 42.0 * GIB;
const OWN_CPU: f64 = 2.5;
/// Share of its memory that a node really touches.
const TOUCHED: f64 = 0.8;
const DISK_PER_NODE: f64 = 1.6 * GIB;
/// Share of its CPUs that a booting node keeps busy.
const BOOTING: f64 = 0.85;
/// Length of the wave in seconds.
const WAVE: f64 = 1_500.0;

/// Load of one controller at one moment; memory and disk in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// CPU use, percent of all.
    pub cpu: f64,
    /// Memory in use.
    pub memory_used: f64,
    /// All memory.
    pub memory_total: f64,
    /// Disk in use.
    pub disk_used: f64,
    /// The whole disk.
    pub disk_total: f64,
    /// Nodes defined.
    pub nodes: u32,
    /// Nodes running.
    pub running_nodes: u32,
    /// Virtual CPUs given to running nodes.
    pub allocated_cpus: u32,
    /// Memory given to running nodes, KiB.
    pub allocated_memory: u64,
}

impl Load {
    pub(super) fn of<'a>(
        labs: impl IntoIterator<Item = &'a Lab>,
        phase: u64,
        now: Timestamp,
    ) -> Self {
        let mut load = Self {
            memory_total: MEMORY,
            disk_total: DISK,
            memory_used: OWN_MEMORY,
            disk_used: OWN_DISK,
            ..Self::default()
        };
        let mut busy = 0.0;
        for node in labs.into_iter().flat_map(|lab| &lab.nodes) {
            busy += load.add(node, node.state(now));
        }
        let wave = wave(phase, now);
        load.cpu = (OWN_CPU + wave + busy * (1.0 + wave / 12.0) / f64::from(CPUS) * 100.0)
            .clamp(0.3, 100.0);
        load.memory_used = (load.memory_used * (1.0 + wave / 200.0)).min(MEMORY * 0.995);
        load
    }

    /// Adds a node's share and returns the CPUs it keeps busy.
    fn add(&mut self, node: &Node, state: NodeState) -> f64 {
        self.nodes += 1;
        if state != NodeState::DefinedOnCore && node.kind().is_machine() {
            self.disk_used = (self.disk_used + DISK_PER_NODE).min(DISK);
        }
        if !state.is_on() {
            return 0.0;
        }
        self.running_nodes += 1;
        if state == NodeState::Queued {
            return 0.0;
        }
        self.allocated_cpus += node.cpus();
        self.allocated_memory += u64::from(node.ram()) * 1024;
        self.memory_used += f64::from(node.ram()) * MIB * TOUCHED;
        let share = match state {
            NodeState::Booted => f64::from(node.kind().busy) / 100.0,
            NodeState::Started => BOOTING,
            NodeState::Queued | NodeState::DefinedOnCore | NodeState::Stopped => 0.0,
        };
        f64::from(node.cpus()) * share
    }

    /// Returns it as the port tells it.
    #[must_use]
    pub fn seen(&self, healthy: bool) -> ControllerLoad {
        ControllerLoad {
            cpu: Some(self.cpu),
            memory: Some(self.memory_used / self.memory_total * 100.0),
            disk: Some(self.disk_used / self.disk_total * 100.0),
            nodes: self.nodes,
            running_nodes: self.running_nodes,
            healthy,
        }
    }
}

/// A slow wave between -2 and 2, different for each controller.
#[expect(clippy::cast_precision_loss, reason = "seconds and phases are far below 2^52")]
fn wave(phase: u64, now: Timestamp) -> f64 {
    let seconds = (now.as_millis() / 1_000) as f64;
    let turn = seconds / WAVE * std::f64::consts::TAU + (phase % 1_000) as f64 / 159.0;
    turn.sin() + (turn * 2.7).sin()
}
