//! The parts of a worker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::{Author, Moment};

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ami {
    /// Id.
    pub id: Option<String>,
    /// Name, or the pattern it is looked up by.
    pub name: Option<String>,
}

/// Addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Addresses {
    /// Public IPv4 address.
    pub public: Option<String>,
    /// Private IPv4 address.
    pub private: Option<String>,
}

/// One stage of readiness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// `instance`, `checks`, `https`, `ready` or `licensed`.
    pub name: String,
    /// `waiting`, `active`, `done`, `stuck` or `failed`.
    pub state: String,
    /// Since when.
    pub since: Option<Moment>,
    /// Why it is stuck or failed.
    pub reason: Option<String>,
}

/// The controller as last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Controller {
    /// CML version.
    pub version: Option<String>,
    /// Whether it says that it is ready.
    pub ready: bool,
    /// Labs of all users.
    pub labs: u32,
    /// Nodes defined.
    pub nodes: u32,
    /// Nodes running.
    pub running_nodes: u32,
    /// When it last answered.
    pub answered_at: Option<Moment>,
    /// Why it does not answer as it should.
    pub error: Option<String>,
    /// How often in a row it did not answer.
    pub failures: u32,
}

/// Load, percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// CPU use of all cores.
    pub cpu: Option<f64>,
    /// Memory use.
    pub memory: Option<f64>,
    /// Disk use.
    pub disk: Option<f64>,
    /// When it was read.
    pub at: Option<Moment>,
}

/// One use by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Use {
    /// When.
    pub at: Moment,
    /// What, in CML's words.
    pub kind: String,
    /// CML's id of the account.
    pub user: Option<String>,
}

/// Use by people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// When it was last used.
    pub last_at: Option<Moment>,
    /// What was done then.
    pub last_kind: Option<String>,
    /// Who did it.
    pub last_user: Option<String>,
    /// Uses in the day before the last reading.
    pub counted_24h: u32,
    /// The newest uses, newest first.
    pub recent: Vec<Use>,
    /// The newest record read, in the controller's clock.
    pub cursor: Option<Moment>,
    /// How far the controller's clock is ahead of ours, milliseconds.
    pub clock_ahead_ms: i64,
    /// Records of the last reading whose time could not be read.
    pub unreadable: u32,
    /// When telemetry was first read.
    pub since: Option<Moment>,
    /// When telemetry was last read.
    pub read_at: Option<Moment>,
    /// When telemetry was last asked for.
    pub tried_at: Option<Moment>,
    /// Why the last reading failed.
    pub read_error: Option<String>,
}

/// One thing that an idle decision looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signal {
    /// Name.
    pub name: String,
    /// Value in words.
    pub value: String,
    /// The moment that it stands for.
    pub at: Option<Moment>,
    /// Where it comes from.
    pub source: String,
}

/// The idle policy that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectivePolicy {
    /// Whether the worker may be stopped.
    pub enabled: bool,
    /// Seconds without use after which it is idle.
    pub timeout_s: u64,
    /// `fleet`, `tag` or `worker`.
    pub source: String,
    /// Why it is off.
    pub disabled_because: Option<String>,
}

/// An idle decision with everything that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdleVerdict {
    /// `not_running`, `disabled`, `unknown`, `active`, `warned`, `idle`, `snoozed` or `extended`.
    pub verdict: String,
    /// When it will be stopped unless somebody uses it.
    pub deadline: Option<Moment>,
    /// The moment from which the timeout runs.
    pub reference: Option<Moment>,
    /// The verdict in a sentence.
    pub reason: String,
    /// Everything that was looked at.
    pub signals: Vec<Signal>,
    /// The policy that applies.
    pub policy: EffectivePolicy,
    /// When it was decided.
    pub decided_at: Moment,
}

/// One pause or resume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PowerChange {
    /// When.
    pub at: Moment,
    /// `manual`, `idle_timeout` or `external`.
    pub reason: String,
    /// By whom.
    pub by: String,
}

/// Pauses and resumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PowerHistory {
    /// The last pause.
    pub paused: Option<PowerChange>,
    /// The last resume.
    pub resumed: Option<PowerChange>,
    /// Pauses because of idleness.
    pub auto_pauses: u64,
    /// Pauses asked for here.
    pub manual_pauses: u64,
    /// Pauses from outside.
    pub external_pauses: u64,
    /// Resumes for any reason.
    pub resumes: u64,
}

/// Something that was changed outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// `state`, `instance_type` or `missing`.
    pub what: String,
    /// In words.
    pub detail: String,
    /// When it was seen.
    pub at: Moment,
}

/// What is wanted of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Want {
    /// `on`, `off` or `gone`.
    pub power: String,
    /// Tags to be set.
    pub tags: BTreeMap<String, String>,
    /// Detailed monitoring.
    pub detailed_monitoring: Option<bool>,
    /// Whether its own policy lets it be stopped.
    pub idle_enabled: Option<bool>,
    /// Its own idle timeout, seconds.
    pub idle_timeout_s: Option<u64>,
    /// The idle deadline is not before this moment.
    pub extended_until: Option<Moment>,
    /// CML version expected.
    pub cml_version: Option<String>,
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Name.
    pub name: String,
    /// `waiting`, `active`, `done`, `skipped` or `failed`.
    pub state: String,
    /// When that became so.
    pub at: Option<Moment>,
    /// What happened.
    pub detail: Option<String>,
}

/// An operation as it stands in a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerOperation {
    /// Id; `GET /operations/{id}` shows it too.
    pub id: uuid::Uuid,
    /// `create`, `start`, `stop`, `terminate`, `register_license` or `deregister_license`.
    pub kind: String,
    /// `running`, `succeeded`, `failed` or `canceled`.
    pub state: String,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// Why it failed, was canceled, or is tried again.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Who asked.
    pub by: Author,
    /// When it was asked for.
    pub started_at: Moment,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// How often the present step was tried.
    pub attempts: u32,
    /// Not tried again before this moment.
    pub not_before: Option<Moment>,
    /// Goes on even where something would be lost.
    pub force: bool,
    /// Always `null`.
    pub secret: Option<String>,
    /// Registers again although registered.
    pub reregister: bool,
}

/// One reading of load, percent.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct MetricSample {
    /// When.
    pub at: Moment,
    /// CPU use.
    pub cpu: Option<f64>,
    /// Memory use.
    pub memory: Option<f64>,
    /// Disk use.
    pub disk: Option<f64>,
    /// Running nodes.
    pub nodes: Option<u32>,
}

/// Tags of an instance: seen and wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tags {
    /// As last seen.
    pub tags: BTreeMap<String, String>,
    /// To be set.
    pub wanted: BTreeMap<String, String>,
    /// To be taken off.
    pub removed: Vec<String>,
}
