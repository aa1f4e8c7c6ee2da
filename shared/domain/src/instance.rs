//! What EC2 and CloudWatch tell about an instance, in our words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ImageId, InstanceId, InstanceType, Timestamp};

/// EC2's own instance states; `Unknown` keeps what a newer API may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "EC2's own words")]
pub enum InstanceState {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
    Unknown,
}

impl InstanceState {
    /// Reads EC2's word; one of a newer API is `Unknown`.
    #[must_use]
    pub fn of_ec2(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            "shutting-down" => Self::ShuttingDown,
            "terminated" => Self::Terminated,
            _ => Self::Unknown,
        }
    }

    /// Returns our word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting_down",
            Self::Terminated => "terminated",
            Self::Unknown => "unknown",
        }
    }
}

/// One of EC2's two status checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCheck {
    /// The check passed.
    Ok,
    /// The check failed.
    Impaired,
    /// The check runs for the first time since the start.
    Initializing,
    /// EC2 has nothing to say, as for an instance that is not running.
    #[default]
    NotApplicable,
}

/// An instance as one sweep saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// EC2's id.
    pub id: InstanceId,
    /// Its state.
    pub state: InstanceState,
    /// Why it last changed state, in AWS's words (`StateReason` or `StateTransitionReason`).
    pub state_reason: Option<String>,
    /// Its type.
    pub instance_type: InstanceType,
    /// The image it was launched from.
    pub image_id: Option<ImageId>,
    /// When it was launched or last started.
    pub launched_at: Option<Timestamp>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// Private IPv4 address.
    pub private_ip: Option<String>,
    /// All tags, `Name` and `aws:*` among them.
    pub tags: BTreeMap<String, String>,
    /// Whether detailed (1 minute) monitoring is on.
    pub detailed_monitoring: bool,
    /// The `ClientToken` of its launch, when EC2 tells it.
    pub client_token: Option<String>,
    /// System status check.
    pub system_check: StatusCheck,
    /// Instance status check.
    pub instance_check: StatusCheck,
}

impl Instance {
    /// Returns the `Name` tag unless it is empty.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.tags.get("Name").map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Its name.
    pub name: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// What must be true of an image; all given parts must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageQuery {
    /// Exactly this image.
    pub id: Option<ImageId>,
    /// A name pattern with `*` and `?`, as EC2 filters take it.
    pub name: Option<String>,
}

/// One CPU reading of CloudWatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CpuReading {
    /// The instance.
    pub instance: InstanceId,
    /// Average over the period, percent of all vCPUs (0 to 100).
    pub percent: f64,
    /// Start of the period.
    pub at: Timestamp,
}

/// What to launch. `token` makes a repetition harmless: the same token never launches twice, and is refused with
/// anything else in the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchOrder {
    /// Idempotency token, sent as `ClientToken`; the operation's id.
    pub token: String,
    /// The image.
    pub image: ImageId,
    /// The type.
    pub instance_type: InstanceType,
    /// Tags of the instance, `Name` among them.
    pub tags: BTreeMap<String, String>,
    /// Subnet, or the default one.
    pub subnet: Option<String>,
    /// Security groups, or the default one.
    pub security_groups: Vec<String>,
    /// Key pair.
    pub key_name: Option<String>,
}
