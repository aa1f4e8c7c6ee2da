//! A lab as others see it: the form of the REST API, of snapshots and of event payloads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Lab, LabMoment, PendingAction};
use crate::cml::{LabAction, LabState, LinkSeen, NodeSeen};
use crate::{LabId, Timestamp, WorkerId};

/// A lab as others see it; absent values are `null`, never left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the REST API")]
pub struct LabView {
    pub id: LabId,
    pub worker: WorkerId,
    pub rev: u64,
    pub title: String,
    pub description: String,
    pub state: LabState,
    pub owner: Option<String>,
    pub created_at: Option<Timestamp>,
    pub modified_at: Option<Timestamp>,
    pub nodes: Vec<NodeSeen>,
    pub links: Vec<LinkSeen>,
    pub nodes_by_state: BTreeMap<String, u32>,
    pub action: Option<PendingAction>,
    pub allowed: Vec<LabAction>,
    pub history: Vec<LabMoment>,
    pub first_seen_at: Timestamp,
    pub seen_at: Timestamp,
    pub removed_at: Option<Timestamp>,
    pub has_saved_file: bool,
}

impl Lab {
    /// Returns the lab as others see it; the saved file is downloaded, not shown.
    #[must_use]
    pub fn view(&self) -> LabView {
        LabView {
            id: self.id.clone(),
            worker: self.worker,
            rev: self.rev,
            title: self.seen.title.clone(),
            description: self.seen.description.clone(),
            state: self.seen.state,
            owner: self.seen.owner.clone(),
            created_at: self.seen.created_at,
            modified_at: self.seen.modified_at,
            nodes: self.seen.nodes.clone(),
            links: self.seen.links.clone(),
            nodes_by_state: self.nodes_by_state(),
            action: self.action.clone(),
            allowed: self.allowed(),
            history: self.history.clone(),
            first_seen_at: self.first_seen_at,
            seen_at: self.seen_at,
            removed_at: self.removed_at,
            has_saved_file: self.saved_yaml.is_some(),
        }
    }

    /// Returns how many nodes are in which state, in CML's words.
    #[must_use]
    pub fn nodes_by_state(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for node in &self.seen.nodes {
            *counts.entry(node.state.clone()).or_default() += 1;
        }
        counts
    }
}
