//! A worker as the API shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::license::License;
use super::moment::{Author, Moment};
use super::worker_parts::{
    Activity, Addresses, Ami, Controller, Drift, IdleVerdict, Metrics, PowerHistory, Stage, Want,
    WorkerOperation,
};

/// EC2's side of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words explain themselves")]
pub enum WorkerState {
    Pending,
    Starting,
    Running,
    Stopping,
    Stopped,
    Terminating,
    Terminated,
    Failed,
    Missing,
    Unknown,
}

/// Whether the controller serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words explain themselves")]
pub enum Service {
    Unavailable,
    Starting,
    Available,
    Degraded,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// Our id.
    pub id: uuid::Uuid,
    /// Grows with every change; events carry it too.
    pub rev: u64,
    /// Grows with every change of what is wanted; the `ETag`.
    pub spec_rev: u64,
    /// Name for people.
    pub name: String,
    /// Region.
    pub region: String,
    /// Account, `self` for that of the credentials in use.
    pub account: String,
    /// `created` or `imported`.
    pub origin: String,
    /// EC2's id; `null` until it is launched.
    pub instance_id: Option<String>,
    /// Type.
    pub instance_type: Option<String>,
    /// Image.
    pub ami: Ami,
    /// State.
    pub state: WorkerState,
    /// Since when.
    pub state_since: Moment,
    /// Why, in AWS's words where it gives any.
    pub state_reason: Option<String>,
    /// Stages of readiness, in order.
    pub stages: Vec<Stage>,
    /// Whether the controller serves.
    pub service: Service,
    /// Since when.
    pub service_since: Moment,
    /// Address of the controller.
    pub endpoint: Option<String>,
    /// Addresses.
    pub addresses: Addresses,
    /// Tags as last seen.
    pub tags: BTreeMap<String, String>,
    /// Detailed monitoring as last seen.
    pub detailed_monitoring: Option<bool>,
    /// The controller.
    pub cml: Controller,
    /// Licence.
    pub license: License,
    /// Load.
    pub metrics: Metrics,
    /// Use by people.
    pub activity: Activity,
    /// The last idle decision.
    pub idle: Option<IdleVerdict>,
    /// Pauses and resumes.
    pub power: PowerHistory,
    /// What somebody changed outside.
    pub drift: Option<Drift>,
    /// What is wanted.
    pub want: Want,
    /// The operation under way, else the last one.
    pub operation: Option<WorkerOperation>,
    /// When EC2 last told of it.
    pub seen_at: Option<Moment>,
    /// When it became known here.
    pub created_at: Moment,
    /// Who made or imported it.
    pub created_by: Author,
    /// When it last changed.
    pub updated_at: Moment,
}
