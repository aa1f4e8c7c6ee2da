//! The system itself: parts, versions, leaders, backlog.

use serde::Serialize;
use utoipa::ToSchema;

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
    /// Leaders.
    pub leaders: Vec<Leader>,
    /// The event log; `null` while the store cannot be reached.
    pub events: Option<EventLogState>,
    /// Schedules whose last run did not end well, or that are late.
    pub late_schedules: Vec<String>,
}
