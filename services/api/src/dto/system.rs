//! The system itself: parts, versions, leaders, backlog.

use ccm_app::Present;
use serde::Serialize;
use utoipa::ToSchema;

use super::moment::Moment;

impl Part {
    /// Returns the part that calls its own state `ok`, or says what is wrong.
    pub(crate) fn of(name: &str, word: String) -> Self {
        let healthy = word == "ok";
        Self { name: name.to_owned(), healthy, detail: (!healthy).then_some(word) }
    }
}

/// One part of the system as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// Name.
    pub name: String,
    /// Whether it is well.
    pub healthy: bool,
    /// What is wrong; `null` when nothing is.
    pub detail: Option<String>,
}

/// Who leads a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Leader {
    /// `scheduler` or `relay`.
    pub role: String,
    /// The process; `null` when the lease was given back or never taken.
    pub holder: Option<String>,
    /// Grows with every take-over.
    pub epoch: u64,
    /// How often the lease was renewed; a leader that lives moves it every two seconds.
    pub renewals: u64,
}

/// A process of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProcessSeen {
    /// What it is called.
    pub name: String,
    /// What it does: `api`, `scheduler`, `relay`.
    pub roles: Vec<String>,
    /// `present`, or `lost` when it was not heard of for 20 seconds and never said that it would go.
    pub state: String,
    /// Its parts as it sees them.
    pub parts: Vec<Part>,
    /// Version of the product.
    pub version: String,
    /// Commit.
    pub commit: String,
    /// When it began.
    pub started_at: Moment,
    /// When it told of itself last.
    pub seen_at: Moment,
}

impl From<Present> for ProcessSeen {
    fn from(present: Present) -> Self {
        let Present { process, is_lost } = present;
        Self {
            name: process.name,
            roles: process.roles,
            state: if is_lost { "lost" } else { "present" }.to_owned(),
            parts: process.parts.into_iter().map(|(name, word)| Part::of(&name, word)).collect(),
            version: process.version,
            commit: process.commit,
            started_at: Moment(process.started_at.to_string()),
            seen_at: Moment(process.seen_at.to_string()),
        }
    }
}

/// Which source this process is built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Version {
    /// Version of the product.
    pub version: String,
    /// Commit.
    pub commit: String,
}

/// The event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventLogState {
    /// The last sequence number.
    pub head: u64,
    /// The oldest one that is kept.
    pub oldest: u64,
    /// Changes that wait to be told.
    pub backlog: u64,
}

/// The system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct System {
    /// Name of the process that answers.
    pub process: String,
    /// Its source.
    pub build: Version,
    /// Parts as it sees them.
    pub parts: Vec<Part>,
    /// All processes of the product, by name; empty while the store cannot be reached.
    pub processes: Vec<ProcessSeen>,
    /// Leaders.
    pub leaders: Vec<Leader>,
    /// The event log; `null` while the store cannot be reached.
    pub events: Option<EventLogState>,
    /// Schedules whose last run did not end well, or that are late.
    pub late_schedules: Vec<String>,
}
