//! The documents of the product: their keys and what lists can filter and sort by.

use std::collections::BTreeMap;

use ccm_domain::{
    Command, Epoch, Lab, LabId, OperationId, Run, Schedule, Settings, Timestamp, Worker, WorkerId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Document, LeaseRole, sortable};

mod login;
mod outside;

pub use login::Login;
pub use outside::{Receipt, dead_letter_key};

impl Document for Worker {
    const COLLECTION: &'static str = "workers";
    const NOUN: &'static str = "worker";

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    /// An instance is one worker's, as long as that is not forgotten.
    fn unique(&self) -> Vec<String> {
        let held = self.removed_at.is_none().then(|| self.instance_id()).flatten();
        held.map(|id| format!("instance/{id}")).into_iter().collect()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("name", self.name.to_lowercase()),
            ("region", self.scope.region.to_string()),
            ("scope", self.scope.to_string()),
            ("state", self.state().name().to_owned()),
            ("removed", self.removed_at.is_some().to_string()),
            ("created", sortable(self.created_at)),
            ("updated", sortable(self.updated_at)),
        ];
        let instance = self.instance_id().map(ToString::to_string);
        let text = [Some(self.id.to_string()), Some(self.name.clone()), instance.clone()];
        fields.push((
            "text",
            text.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase(),
        ));
        fields.extend(instance.map(|id| ("instance", id)));
        fields.extend(self.operations.iter().map(|o| ("operation", o.id.to_string())));
        fields.extend(
            self.operations.iter().filter(|o| o.is_open()).map(|_| ("open", "true".to_owned())),
        );
        fields
    }
}

/// Key of the one settings document.
pub const SETTINGS_KEY: &str = "fleet";

impl Document for Settings {
    const COLLECTION: &'static str = "settings";
    const NOUN: &'static str = "settings document";

    fn key(&self) -> String {
        SETTINGS_KEY.to_owned()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

/// Returns the key of a lab's document: lab ids are unique on one controller only.
#[must_use]
pub fn lab_key(worker: WorkerId, lab: &LabId) -> String {
    format!("{worker}/{lab}")
}

impl Document for Lab {
    const COLLECTION: &'static str = "labs";
    const NOUN: &'static str = "lab";

    fn key(&self) -> String {
        lab_key(self.worker, &self.id)
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let owner = self.seen.owner.clone().unwrap_or_default();
        vec![
            ("worker", self.worker.to_string()),
            ("title", self.seen.title.to_lowercase()),
            ("state", word(&self.seen.state)),
            ("removed", self.removed_at.is_some().to_string()),
            ("text", format!("{} {} {owner}", self.id, self.seen.title).to_lowercase()),
        ]
    }
}

impl Document for Schedule {
    const COLLECTION: &'static str = "schedules";
    const NOUN: &'static str = "schedule";

    fn key(&self) -> String {
        self.spec.name.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

impl Document for Run {
    const COLLECTION: &'static str = "runs";
    const NOUN: &'static str = "run";

    fn key(&self) -> String {
        self.id.as_str().to_owned()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("job", self.job.clone()),
            ("state", word(&self.state)),
            ("queued", sortable(self.queued_at)),
        ];
        fields.extend(self.schedule.iter().map(|name| ("schedule", name.clone())));
        fields.extend(self.worker.iter().map(|id| ("worker", id.to_string())));
        fields.extend(self.command.iter().map(|id| ("command", id.to_string())));
        fields.extend(self.ended_at.iter().map(|at| ("ended", sortable(*at))));
        // Only what waits has a next start.
        fields.extend(self.next_at.iter().map(|at| ("next", sortable(*at))));
        fields
    }
}

impl Document for Command {
    const COLLECTION: &'static str = "commands";
    const NOUN: &'static str = "operation";

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    /// Of several wishes for the same thing only one is open; the others fold into it. Of a kind
    /// that serves nobody else once it has begun there may be more.
    fn unique(&self) -> Vec<String> {
        let is_the_only = self.is_open() && self.kind.serves_when_begun();
        let fold = is_the_only.then(|| self.fold_key.clone()).flatten();
        fold.map(|key| format!("fold/{key}")).into_iter().collect()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("state", word(&self.state)),
            ("asked", sortable(self.asked_at)),
            ("due", sortable(self.not_before)),
        ];
        fields.extend(self.kind.worker().map(|id| ("worker", id.to_string())));
        fields.extend(self.fold_key.iter().map(|key| ("fold", key.clone())));
        fields
    }
}

/// The stored answer to a request that carried an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Caller, route and key, so that nobody sees another's answer.
    pub key: String,
    /// Grows with every write.
    pub rev: u64,
    /// Hash of the request's body; the same key with another body is refused.
    pub fingerprint: String,
    /// The id of what the request begins, the same for each repetition.
    pub ticket: OperationId,
    /// Status of the answer; `None` while the request is under way.
    pub status: Option<u16>,
    /// Headers that a repetition needs, such as `Location`.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body of the answer.
    #[serde(default)]
    pub body: String,
    /// When the request came.
    pub at: Timestamp,
}

impl Document for Reply {
    const COLLECTION: &'static str = "replies";
    const NOUN: &'static str = "stored answer";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("at", sortable(self.at))]
    }
}

/// Who led a role last: written once in each term, so that a change of leader is told exactly once.
///
/// Fenced by its epoch alone: the guards of other documents belong to the scheduler's epochs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// The role.
    pub role: LeaseRole,
    /// Grows with every write.
    pub rev: u64,
    /// The term.
    pub epoch: Epoch,
    /// Name of the leading process, for people.
    pub holder: String,
    /// When it began to lead.
    pub since: Timestamp,
}

impl Document for Leader {
    const COLLECTION: &'static str = "leaders";
    const NOUN: &'static str = "leader";

    fn key(&self) -> String {
        self.role.name().to_owned()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

/// A process of the product, as it tells of itself every few seconds. Nobody else writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Made anew at each start: two processes of one name are two.
    pub id: Uuid,
    /// Grows with every write.
    pub rev: u64,
    /// What it is called, for people.
    pub name: String,
    /// What it does: `api`, `scheduler`, `relay`.
    pub roles: Vec<String>,
    /// Version of the product.
    pub version: String,
    /// Commit that it is built from.
    pub commit: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it told of itself last.
    pub seen_at: Timestamp,
    /// Its parts: `ok`, or what is wrong.
    pub parts: BTreeMap<String, String>,
    /// Its open event streams, when it takes more.
    #[serde(default)]
    pub streams: Option<u64>,
}

impl Document for Process {
    const COLLECTION: &'static str = "processes";
    const NOUN: &'static str = "process";

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("name", self.name.clone()), ("seen", sortable(self.seen_at))]
    }
}

/// Returns the wire word of an enum's value.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}
