//! Fleet-wide settings: one document, validated as a whole, in effect at once.
//!
//! **Invariant:** what is stored has passed [`SettingsSpec::check`]; every change raises `rev` and
//! keeps who made it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Account, Author, DomainError, FieldFault, ImageQuery, InstanceType, Region, Scope, Timestamp,
};

mod bounds;

pub use bounds::Bounds;

/// Telemetry categories that count as use unless settings say otherwise.
///
/// All that a person causes: CML reports `wipe_node` for a wipe, older notes say `wipe_lab`.
pub const USE_CATEGORIES: [&str; 12] = [
    "start_lab",
    "stop_lab",
    "wipe_lab",
    "import_lab",
    "export_lab",
    "start_node",
    "stop_node",
    "queue_node",
    "boot_node",
    "wipe_node",
    "packet_capture",
    "user_activity",
];

/// The fleet's settings as they are stored and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Grows with every change; 0 means that nobody ever changed anything.
    pub rev: u64,
    /// The settings themselves: what a `PUT` replaces.
    pub spec: SettingsSpec,
    /// When they were last changed.
    pub changed_at: Option<Timestamp>,
    /// Who changed them last.
    pub changed_by: Option<Author>,
    #[serde(skip)]
    facts: Vec<SettingsFact>,
}

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsSpec {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provisioning {
    /// Instance type.
    pub instance_type: Option<InstanceType>,
    /// Placement in regions that have none of their own below.
    #[serde(flatten)]
    pub placement: Placement,
    /// Placement by region: ids of images, subnets and groups are worth nothing elsewhere.
    pub regions: BTreeMap<Region, Placement>,
    /// Tags that every new instance gets.
    pub default_tags: BTreeMap<String, String>,
}

/// What an instance is launched from and into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// Which image.
    pub image: Option<ImageQuery>,
    /// Subnet id.
    pub subnet: Option<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// Name of the SSH key pair.
    pub key_name: Option<String>,
}

/// When a worker counts as idle, for workers that do not say themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdleSettings {
    /// Whether idle workers are stopped at all: the master switch.
    pub enabled: bool,
    /// Seconds without use after which a worker is idle.
    pub timeout_s: u64,
    /// Seconds after a resume in which a worker is never stopped.
    pub snooze_s: u64,
    /// Seconds before the deadline at which people are warned.
    pub warn_before_s: u64,
    /// Telemetry categories that count as use.
    pub categories: BTreeSet<String>,
    /// Ids of accounts whose doings are no use; compared exactly.
    pub service_users: BTreeSet<String>,
}

/// Which instances are taken into the fleet by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportSettings {
    /// One rule per account, region and pattern; an instance that any of them matches is imported.
    pub rules: Vec<ImportRule>,
}

/// Imports instances of one scope; all given conditions must hold, at least one must be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRule {
    /// Account.
    #[serde(default)]
    pub account: Account,
    /// Region.
    pub region: Region,
    /// Whether the rule is in force.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Name pattern of the image, with `*` and `?`.
    #[serde(default)]
    pub image_name: Option<String>,
    /// Key of a tag that must be there.
    #[serde(default)]
    pub tag: Option<String>,
    /// Value that the tag must have; any when absent.
    #[serde(default)]
    pub tag_value: Option<String>,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Seconds that samples are kept as measured.
    pub samples_fine_s: u64,
    /// Seconds that thinned out samples are kept.
    pub samples_coarse_s: u64,
    /// Seconds that ended runs are kept.
    pub runs_s: u64,
    /// How many events the log keeps.
    pub events: u64,
    /// Seconds that terminated and removed workers stay readable.
    pub removed_workers_s: u64,
}

/// What happened to the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsFact {
    /// They were changed.
    Changed {
        /// The revision that they have since.
        rev: u64,
        /// Which sections differ from before, such as `idle`.
        sections: Vec<String>,
        /// Who did it.
        by: Author,
    },
}

impl Default for Provisioning {
    fn default() -> Self {
        Self {
            instance_type: None,
            placement: Placement::default(),
            regions: BTreeMap::new(),
            default_tags: BTreeMap::from([("managed-by".to_owned(), "ccm".to_owned())]),
        }
    }
}

impl Default for IdleSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            timeout_s: 3_600,
            snooze_s: 1_800,
            warn_before_s: 600,
            categories: USE_CATEGORIES.into_iter().map(str::to_owned).collect(),
            service_users: BTreeSet::new(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            samples_fine_s: 86_400,
            samples_coarse_s: 30 * 86_400,
            runs_s: 7 * 86_400,
            events: 100_000,
            removed_workers_s: 7 * 86_400,
        }
    }
}

impl Settings {
    /// Returns what happened since the last write and forgets it.
    pub fn take_facts(&mut self) -> Vec<SettingsFact> {
        std::mem::take(&mut self.facts)
    }

    /// Replaces the settings; the same again changes nothing and tells nothing.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with every field that is out of bounds.
    pub fn put(
        &mut self,
        new: SettingsSpec,
        by: &Author,
        now: Timestamp,
    ) -> Result<Option<SettingsFact>, DomainError> {
        DomainError::unless_clean(new.check())?;
        let sections = self.spec.differing_sections(&new);
        if sections.is_empty() {
            return Ok(None);
        }
        self.rev += 1;
        self.spec = new;
        self.changed_at = Some(now);
        self.changed_by = Some(by.clone());
        let fact = SettingsFact::Changed { rev: self.rev, sections, by: by.clone() };
        self.facts.push(fact.clone());
        Ok(Some(fact))
    }
}

impl SettingsSpec {
    /// Returns every field that is out of its bounds, with pointers into this value.
    #[must_use]
    pub fn check(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        self.provisioning.check(&mut faults);
        self.idle.check(&mut faults);
        self.import.check(&mut faults);
        self.retention.check(&mut faults);
        faults
    }

    fn differing_sections(&self, other: &Self) -> Vec<String> {
        [
            ("provisioning", self.provisioning != other.provisioning),
            ("idle", self.idle != other.idle),
            ("import", self.import != other.import),
            ("retention", self.retention != other.retention),
        ]
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| name.to_owned())
        .collect()
    }
}

impl Provisioning {
    /// Returns the placement in a region: its own values first, the general ones where it has none.
    #[must_use]
    pub fn placement_in(&self, region: &Region) -> Placement {
        let Some(own) = self.regions.get(region).cloned() else {
            return self.placement.clone();
        };
        Placement {
            image: own.image.or_else(|| self.placement.image.clone()),
            subnet: own.subnet.or_else(|| self.placement.subnet.clone()),
            security_groups: if own.security_groups.is_empty() {
                self.placement.security_groups.clone()
            } else {
                own.security_groups
            },
            key_name: own.key_name.or_else(|| self.placement.key_name.clone()),
        }
    }
}

impl ImportSettings {
    /// Returns the rules in force in a scope.
    pub fn rules_in(&self, scope: &Scope) -> impl Iterator<Item = &ImportRule> {
        self.rules
            .iter()
            .filter(|rule| rule.enabled && rule.account == scope.account)
            .filter(|rule| rule.region == scope.region)
    }
}

impl ImportRule {
    /// Says whether an instance's tags satisfy the rule's tag condition.
    #[must_use]
    pub fn accepts_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        let Some(key) = &self.tag else { return true };
        match (tags.get(key), &self.tag_value) {
            (Some(value), Some(wanted)) => value == wanted,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
