//! Settings: read with their revision, replaced as a whole.

use std::collections::{BTreeMap, BTreeSet};

use ccm_domain::settings::{
    IdleSettings as DomainIdle, ImportRule as DomainRule, ImportSettings as DomainImport,
    Placement as DomainPlacement, Provisioning as DomainProvisioning, Retention as DomainRetention,
    Settings as DomainSettings, SettingsSpec,
};
use ccm_domain::{
    Account, Author as DomainAuthor, ImageId, ImageQuery, InstanceType, Region, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::{Author, Moment};

/// The fleet's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Settings {
    /// Grows with every change; the `ETag`.
    pub rev: u64,
    /// What a new worker gets when the request does not say.
    pub provisioning: Provisioning,
    /// When a worker counts as idle.
    pub idle: IdleSettings,
    /// Which instances are taken into the fleet by themselves.
    pub import: ImportSettings,
    /// How long things are kept.
    pub retention: Retention,
    /// When they were last changed.
    #[schema(value_type = Option<Moment>)]
    pub changed_at: Option<Timestamp>,
    /// Who changed them.
    #[schema(value_type = Option<Author>)]
    pub changed_by: Option<DomainAuthor>,
}

/// Everything that can be set. A `PUT` replaces all of it: every section must be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// What a new worker gets when the request does not say.
    pub provisioning: Provisioning,
    /// When a worker counts as idle.
    pub idle: IdleSettings,
    /// Which instances are taken into the fleet by themselves.
    pub import: ImportSettings,
    /// How long things are kept.
    pub retention: Retention,
}

/// Defaults of new workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Provisioning {
    /// Instance type.
    #[schema(value_type = Option<String>)]
    pub instance_type: Option<InstanceType>,
    /// Image in regions that have none of their own.
    pub image: Option<Image>,
    /// Subnet id.
    pub subnet: Option<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// Name of the SSH key pair.
    pub key_name: Option<String>,
    /// Placement by region.
    #[schema(value_type = BTreeMap<String, Placement>)]
    pub regions: BTreeMap<Region, Placement>,
    /// Tags that every new instance gets.
    pub default_tags: BTreeMap<String, String>,
}

/// What an instance is launched from and into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Placement {
    /// Image.
    pub image: Option<Image>,
    /// Subnet id.
    pub subnet: Option<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// Name of the SSH key pair.
    pub key_name: Option<String>,
}

/// Which image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Image {
    /// Exactly this one.
    #[schema(value_type = Option<String>)]
    pub id: Option<ImageId>,
    /// The newest of this name, with `*` and `?`.
    pub name: Option<String>,
}

/// When a worker counts as idle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdleSettings {
    /// Whether idle workers are stopped at all.
    pub enabled: bool,
    /// Seconds without use after which a worker is idle.
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub timeout_s: u64,
    /// Seconds after a resume in which a worker is never stopped.
    pub snooze_s: u64,
    /// Seconds before the deadline at which people are warned.
    pub warn_before_s: u64,
    /// Telemetry categories that count as use.
    pub categories: BTreeSet<String>,
    /// Ids of accounts whose doings are no use.
    pub service_users: BTreeSet<String>,
}

/// Which instances are taken into the fleet by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportSettings {
    /// An instance that any of them matches is imported.
    pub rules: Vec<ImportRule>,
}

/// One rule: all given conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRule {
    /// Account.
    #[serde(default)]
    #[schema(value_type = String, default = "self")]
    pub account: Account,
    /// Region.
    #[schema(value_type = String)]
    pub region: Region,
    /// Whether it is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Name pattern of the image.
    #[serde(default)]
    pub image_name: Option<String>,
    /// Key of a tag that must be there.
    #[serde(default)]
    pub tag: Option<String>,
    /// Value that it must have.
    #[serde(default)]
    pub tag_value: Option<String>,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Samples as measured, seconds.
    pub samples_fine_s: u64,
    /// Thinned out samples, seconds.
    pub samples_coarse_s: u64,
    /// Ended runs, seconds.
    pub runs_s: u64,
    /// How many events the log keeps.
    pub events: u64,
    /// Terminated and removed workers, seconds.
    pub removed_workers_s: u64,
}

const fn yes() -> bool {
    true
}

impl From<DomainSettings> for Settings {
    fn from(settings: DomainSettings) -> Self {
        let (rev, changed_at) = (settings.rev, settings.changed_at);
        let changed_by = settings.changed_by.clone();
        let SettingsBody { provisioning, idle, import, retention } = settings.spec.into();
        Self { rev, provisioning, idle, import, retention, changed_at, changed_by }
    }
}

impl From<SettingsSpec> for SettingsBody {
    fn from(spec: SettingsSpec) -> Self {
        let SettingsSpec { provisioning, idle, import, retention } = spec;
        let placement: Placement = provisioning.placement.into();
        let regions = provisioning.regions.into_iter().map(|(r, p)| (r, p.into())).collect();
        Self {
            provisioning: Provisioning {
                instance_type: provisioning.instance_type,
                image: placement.image,
                subnet: placement.subnet,
                security_groups: placement.security_groups,
                key_name: placement.key_name,
                regions,
                default_tags: provisioning.default_tags,
            },
            idle: IdleSettings {
                enabled: idle.enabled,
                timeout_s: idle.timeout_s,
                snooze_s: idle.snooze_s,
                warn_before_s: idle.warn_before_s,
                categories: idle.categories,
                service_users: idle.service_users,
            },
            import: ImportSettings {
                rules: import.rules.into_iter().map(ImportRule::from).collect(),
            },
            retention: Retention {
                samples_fine_s: retention.samples_fine_s,
                samples_coarse_s: retention.samples_coarse_s,
                runs_s: retention.runs_s,
                events: retention.events,
                removed_workers_s: retention.removed_workers_s,
            },
        }
    }
}

impl From<SettingsBody> for SettingsSpec {
    fn from(body: SettingsBody) -> Self {
        let SettingsBody { provisioning, idle, import, retention } = body;
        let placement = Placement {
            image: provisioning.image,
            subnet: provisioning.subnet,
            security_groups: provisioning.security_groups,
            key_name: provisioning.key_name,
        };
        let regions = provisioning.regions.into_iter().map(|(r, p)| (r, p.into())).collect();
        Self {
            provisioning: DomainProvisioning {
                instance_type: provisioning.instance_type,
                placement: placement.into(),
                regions,
                default_tags: provisioning.default_tags,
            },
            idle: DomainIdle {
                enabled: idle.enabled,
                timeout_s: idle.timeout_s,
                snooze_s: idle.snooze_s,
                warn_before_s: idle.warn_before_s,
                categories: idle.categories,
                service_users: idle.service_users,
            },
            import: DomainImport {
                rules: import.rules.into_iter().map(DomainRule::from).collect(),
            },
            retention: DomainRetention {
                samples_fine_s: retention.samples_fine_s,
                samples_coarse_s: retention.samples_coarse_s,
                runs_s: retention.runs_s,
                events: retention.events,
                removed_workers_s: retention.removed_workers_s,
            },
        }
    }
}

impl From<DomainPlacement> for Placement {
    fn from(placement: DomainPlacement) -> Self {
        let DomainPlacement { image, subnet, security_groups, key_name } = placement;
        let image = image.map(|ImageQuery { id, name }| Image { id, name });
        Self { image, subnet, security_groups, key_name }
    }
}

impl From<Placement> for DomainPlacement {
    fn from(placement: Placement) -> Self {
        let Placement { image, subnet, security_groups, key_name } = placement;
        let image = image.map(|Image { id, name }| ImageQuery { id, name });
        Self { image, subnet, security_groups, key_name }
    }
}

impl From<DomainRule> for ImportRule {
    fn from(rule: DomainRule) -> Self {
        let DomainRule { account, region, enabled, image_name, tag, tag_value } = rule;
        Self { account, region, enabled, image_name, tag, tag_value }
    }
}

impl From<ImportRule> for DomainRule {
    fn from(rule: ImportRule) -> Self {
        let ImportRule { account, region, enabled, image_name, tag, tag_value } = rule;
        Self { account, region, enabled, image_name, tag, tag_value }
    }
}
