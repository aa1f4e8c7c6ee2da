//! `[http]` and `[admin]`: the two ports of a process.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

/// `[http]`: the public port.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// `[admin]`: the second port, for probes, metrics and the log filter. Never public.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSection {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What the process is called, for people; nothing is decided by it.
    #[serde(default)]
    pub name: Option<String>,
}

impl HttpSection {
    /// Returns a section for tests: a free port on loopback.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
    }
}

impl AdminSection {
    /// Returns a section for tests: a free port on loopback.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), name: None }
    }
}
