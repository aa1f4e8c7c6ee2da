//! What an operator wants of a worker. Written by the API, and by the idle policy when it asks for a stop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{IdlePolicy, ImageQuery, InstanceType, Timestamp};

/// Whether the instance should run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It should run.
    #[default]
    On,
    /// It should be stopped, its disks kept.
    Off,
    /// It should be terminated.
    Gone,
}

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// Whether it should run.
    pub power: Power,
    /// Type to launch; afterwards the type is an observation.
    pub instance_type: Option<InstanceType>,
    /// Image to launch.
    pub image: ImageQuery,
    /// Tags to set on the instance, beside those that others set.
    pub tags: BTreeMap<String, String>,
    /// Tags to take off the instance.
    pub tags_removed: Vec<String>,
    /// Whether detailed monitoring should be on; `None` leaves it as it is.
    pub detailed_monitoring: Option<bool>,
    /// Address of the controller when it is not the fleet's template.
    pub endpoint: Option<String>,
    /// CML version expected, for people.
    pub cml_version: Option<String>,
    /// Idle policy of this worker.
    pub idle: IdlePolicy,
    /// The idle deadline is not before this moment.
    pub extended_until: Option<Timestamp>,
}
