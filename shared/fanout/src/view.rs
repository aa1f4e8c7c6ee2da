//! What the hub tells about its clients.

use std::fmt;

use ccm_domain::Timestamp;
use serde::Serialize;

use crate::Ended;

/// A client of this hub; unique for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ClientId(pub u64);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who a client is; shown as it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct About {
    /// Name of the caller.
    pub name: String,
    /// Network address of the caller.
    pub address: Option<String>,
    /// When the stream was opened.
    pub since: Timestamp,
}

/// One client as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamView {
    /// Its id, for ending it.
    pub id: ClientId,
    /// Who it is.
    #[serde(flatten)]
    pub about: About,
    /// What it asked for, as a query; empty for everything.
    pub filter: String,
    /// Everything up to here was handed over, or is not for it.
    pub cursor: u64,
    /// How many logged events it is behind the newest.
    pub lag: u64,
    /// Bytes that wait for it.
    pub pending_bytes: usize,
    /// Frames handed over.
    pub frames: u64,
    /// Bytes handed over.
    pub bytes: u64,
}

/// The hub in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Clients registered.
    pub clients: usize,
    /// Last logged event.
    pub last: u64,
    /// Logged events in the ring.
    pub ring_events: usize,
    /// Bytes in the ring.
    pub ring_bytes: usize,
    /// Bytes that wait, over all clients.
    pub pending_bytes: usize,
    /// The largest number of logged events that a client is behind.
    pub most_lag: u64,
    /// Frames handed over since the start.
    pub frames: u64,
    /// Bytes handed over since the start.
    pub bytes: u64,
    /// Clients that were ended by the hub since the start, by reason.
    pub ended: Vec<(Ended, u64)>,
}
