//! Every RunInstances that reached the cloud, so that a test can count launches.

use std::collections::BTreeMap;

use ccm_domain::{ImageId, InstanceId, InstanceType, Scope, Timestamp};
use serde::Serialize;

/// How one RunInstances ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Instances were launched.
    Launched,
    /// The token was known with the same parameters; nothing new was launched.
    Repeated,
    /// The token was known with other parameters.
    Mismatch,
    /// Refused for another reason: capacity, quota, image.
    Refused,
}

/// One RunInstances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// When it came.
    pub at: Timestamp,
    /// Account and region.
    pub scope: Scope,
    /// Its `ClientToken`, `None` when it had none.
    pub token: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it launched or found again.
    pub instances: Vec<InstanceId>,
    /// The image that was asked for.
    pub image: ImageId,
    /// The type that was asked for.
    pub instance_type: InstanceType,
    /// The tags that were asked for.
    pub tags: BTreeMap<String, String>,
}
