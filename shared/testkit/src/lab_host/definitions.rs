//! Node definitions that the model knows: what a node of each kind is called, needs and costs.

/// One node definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its id, such as `iosv`.
    pub id: &'static str,
    /// Name shown to people.
    pub label: &'static str,
    /// Start of the labels of new nodes.
    pub prefix: &'static str,
    /// CML's `nature`, such as `router`.
    pub nature: &'static str,
    /// What runs it, such as `kvm`; `none` for those that are no virtual machine.
    pub driver: &'static str,
    /// Memory in MiB.
    pub ram: u32,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Seconds from start to booted.
    pub boots_in: u16,
    /// How much of its CPUs a booted node keeps busy, percent.
    pub busy: u8,
    /// Name of a port, with `{}` for its slot.
    pub port: &'static str,
    /// Ports of a new node.
    pub ports: u8,
}

const fn machine(
    id: &'static str,
    label: &'static str,
    prefix: &'static str,
    nature: &'static str,
    size: (u32, u32, u16, u8),
    port: (&'static str, u8),
) -> Definition {
    let (ram, cpus, boots_in, busy) = size;
    let (port, ports) = port;
    Definition { id, label, prefix, nature, driver: "kvm", ram, cpus, boots_in, busy, port, ports }
}

const fn appliance(id: &'static str, label: &'static str, nature: &'static str) -> Definition {
    Definition {
        id,
        label,
        prefix: id,
        nature,
        driver: "none",
        ram: 0,
        cpus: 0,
        boots_in: 0,
        busy: 0,
        port: "port{}",
        ports: 8,
    }
}

/// All of them; the last one stands in for definitions that the model does not know.
pub const DEFINITIONS: &[Definition] = &[
    machine("iosv", "IOSv", "iosv-", "router", (768, 1, 95, 9), ("GigabitEthernet0/{}", 4)),
    machine("iosvl2", "IOSv L2", "sw-", "switch", (768, 1, 90, 11), ("GigabitEthernet0/{}", 8)),
    machine(
        "csr1000v",
        "CSR 1000v",
        "csr-",
        "router",
        (3072, 1, 210, 16),
        ("GigabitEthernet{}", 4),
    ),
    machine(
        "cat8000v",
        "Catalyst 8000V",
        "cat-",
        "router",
        (4096, 1, 240, 18),
        ("GigabitEthernet{}", 4),
    ),
    machine(
        "iosxrv9000",
        "IOS XRv 9000",
        "xr-",
        "router",
        (20480, 4, 480, 24),
        ("GigabitEthernet0/0/0/{}", 4),
    ),
    machine("nxosv9000", "NX-OS 9300v", "nx-", "switch", (10240, 2, 330, 21), ("Ethernet1/{}", 8)),
    machine("asav", "ASAv", "asav-", "firewall", (2048, 1, 120, 14), ("GigabitEthernet0/{}", 4)),
    machine("alpine", "Alpine", "alpine-", "server", (512, 1, 14, 2), ("eth{}", 1)),
    machine("ubuntu", "Ubuntu", "ubuntu-", "server", (2048, 1, 45, 4), ("ens{}", 2)),
    machine("server", "Server", "server-", "server", (128, 1, 9, 1), ("eth{}", 1)),
    appliance("external_connector", "External Connector", "external_connector"),
    appliance("unmanaged_switch", "Unmanaged Switch", "switch"),
    machine("other", "Other", "node-", "server", (1024, 1, 60, 8), ("eth{}", 4)),
];

/// Returns the definition of that id, or the stand-in.
#[must_use]
pub fn definition(id: &str) -> &'static Definition {
    let stand_in = &DEFINITIONS[DEFINITIONS.len() - 1];
    DEFINITIONS.iter().find(|known| known.id == id).unwrap_or(stand_in)
}

/// Whether the model knows a definition of that id.
#[must_use]
pub fn is_known(id: &str) -> bool {
    DEFINITIONS.iter().any(|known| known.id == id)
}

impl Definition {
    /// Returns the name of the port in the given slot.
    #[must_use]
    pub fn port_name(&self, slot: u32) -> String {
        self.port.replace("{}", &slot.to_string())
    }

    /// Whether a node of this kind is a virtual machine, needs a node licence and uses memory.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.driver != "none"
    }
}
