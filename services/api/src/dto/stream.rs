//! Open event streams, and events from outside.

use ccm_fanout::StreamView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::Moment;

/// A client that listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamClient {
    /// Its id in the answering process.
    pub id: u64,
    /// Who it is.
    pub user: String,
    /// Its network address.
    pub address: Option<String>,
    /// Since when.
    pub connected_at: Moment,
    /// What it asked for, as a query; empty for everything.
    pub filter: String,
    /// The last event that it was told or that is not for it.
    pub cursor: u64,
    /// Events that it is behind.
    pub lag: u64,
    /// Bytes that wait for it.
    pub pending_bytes: u64,
    /// Events sent.
    pub sent: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
}

impl From<StreamView> for StreamClient {
    fn from(view: StreamView) -> Self {
        Self {
            id: view.id.0,
            user: view.about.name,
            address: view.about.address,
            connected_at: Moment(view.about.since.to_string()),
            filter: view.filter,
            cursor: view.cursor,
            lag: view.lag,
            pending_bytes: view.pending_bytes as u64,
            sent: view.frames,
            sent_bytes: view.bytes,
        }
    }
}

/// What became of the events of a request from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceivedEvents {
    /// Events that were new.
    pub accepted: u64,
    /// Events that came before.
    pub known: u64,
}
