//! What is asked about workers.

use std::collections::BTreeMap;

use ccm_app::{WorkerOrder, WorkerPatch};
use ccm_domain::command::ImportRequest;
use ccm_domain::{Account, IdlePolicy, ImageId, ImageQuery, InstanceId, InstanceType, Region};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// A worker to be made; what is left out comes from the settings.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorker {
    /// Name.
    #[schema(min_length = 1, max_length = 128)]
    pub name: String,
    /// Region.
    #[schema(value_type = String, example = "eu-central-1")]
    pub region: Region,
    /// Account, `self` unless roles are assumed.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub account: Option<Account>,
    /// Type.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "m5zn.metal")]
    pub instance_type: Option<InstanceType>,
    /// Image by id; give this or `ami_name`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub ami_id: Option<ImageId>,
    /// Image by name, with `*` and `?`; the newest match.
    #[serde(default)]
    pub ami_name: Option<String>,
    /// Tags beside the fleet's default ones.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// CML version expected, for people.
    #[serde(default)]
    pub cml_version: Option<String>,
    /// Address of the controller when it is not the fleet's template.
    #[serde(default)]
    pub cml_endpoint: Option<String>,
    /// Idle policy of its own.
    #[serde(default)]
    pub idle: Option<SetIdlePolicy>,
}

/// Instances to be imported: exactly one of `instance_id`, `ami_id` and `ami_name`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportWorkers {
    /// Region.
    #[schema(value_type = String, example = "eu-central-1")]
    pub region: Region,
    /// Account, `self` unless roles are assumed.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub account: Option<Account>,
    /// This instance.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub instance_id: Option<InstanceId>,
    /// Instances of this image.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub ami_id: Option<ImageId>,
    /// Instances of images with this name, with `*` and `?`.
    #[serde(default)]
    pub ami_name: Option<String>,
    /// All that match; otherwise it must be exactly one.
    #[serde(default)]
    pub all: bool,
    /// A name for the one that is imported.
    #[serde(default)]
    pub name: Option<String>,
    /// Address of its controller when it is not the fleet's template.
    #[serde(default)]
    pub cml_endpoint: Option<String>,
}

/// Changes of a worker; what is left out stays, `null` takes a value away.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeWorker {
    /// Name.
    pub name: Option<String>,
    /// Address of the controller; `null` goes back to the fleet's template.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub cml_endpoint: Option<Option<String>>,
    /// Type to launch; only while there is no instance.
    #[schema(value_type = Option<String>)]
    pub instance_type: Option<InstanceType>,
    /// CML version expected; `null` expects none.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub cml_version: Option<Option<String>>,
    /// Detailed monitoring.
    pub detailed_monitoring: Option<bool>,
}

/// A worker's own idle policy; `null` leaves it to the instance's tag, then to the fleet.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetIdlePolicy {
    /// Whether it may be stopped.
    pub enabled: Option<bool>,
    /// Seconds without use after which it is idle.
    pub timeout_s: Option<u64>,
}

/// The tags wanted on the instance.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTags {
    /// All of them; those that are there and not named here are taken off, but for `Name` and `aws:*`.
    pub tags: BTreeMap<String, String>,
}

/// How a worker is to be terminated.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TerminateWorker {
    /// Go on even where the controller or the licence server does not answer.
    pub force: bool,
}

/// By how much the idle deadline is moved.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendWorker {
    /// Seconds from now.
    #[schema(minimum = 1, maximum = 604_800)]
    pub seconds: u64,
}

/// Whether detailed monitoring is wanted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMonitoring {
    /// On or off.
    pub enabled: bool,
}

/// The body of an action that needs none.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl From<CreateWorker> for WorkerOrder {
    fn from(body: CreateWorker) -> Self {
        let image = ImageQuery { id: body.ami_id, name: body.ami_name };
        Self {
            name: body.name,
            account: body.account.unwrap_or_default(),
            region: body.region,
            instance_type: body.instance_type,
            image: (image != ImageQuery::default()).then_some(image),
            tags: body.tags,
            cml_version: body.cml_version,
            endpoint: body.cml_endpoint,
            idle: body.idle.unwrap_or_default().into(),
        }
    }
}

impl From<ImportWorkers> for ImportRequest {
    fn from(body: ImportWorkers) -> Self {
        Self {
            account: body.account.unwrap_or_default(),
            region: body.region,
            instance_id: body.instance_id,
            image_id: body.ami_id,
            image_name: body.ami_name,
            all: body.all,
            name: body.name,
            cml_endpoint: body.cml_endpoint,
        }
    }
}

impl From<ChangeWorker> for WorkerPatch {
    fn from(body: ChangeWorker) -> Self {
        Self {
            name: body.name,
            endpoint: body.cml_endpoint,
            instance_type: body.instance_type,
            cml_version: body.cml_version,
            detailed_monitoring: body.detailed_monitoring,
        }
    }
}

impl From<SetIdlePolicy> for IdlePolicy {
    fn from(body: SetIdlePolicy) -> Self {
        Self { enabled: body.enabled, timeout_s: body.timeout_s }
    }
}

/// Tells `null` from absence: a field that is given is `Some`, even when it is `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
