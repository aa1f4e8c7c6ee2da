//! The bounds of every setting, by name, and the checks that apply them.

use std::collections::BTreeSet;

use crate::FieldFault;

use super::{IdleSettings, ImportSettings, Placement, Provisioning, Retention};

const DAY: u64 = 86_400;

/// The least and the most that a number may be, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
}

impl Bounds {
    /// Idle timeout, seconds: below a minute every pause between two clicks would count.
    pub const IDLE_TIMEOUT_S: Self = Self { least: 60, most: 30 * DAY };
    /// Snooze after a resume, seconds.
    pub const SNOOZE_S: Self = Self { least: 0, most: 7 * DAY };
    /// Warning before a stop, seconds.
    pub const WARN_BEFORE_S: Self = Self { least: 0, most: DAY };
    /// Samples as measured, seconds: charts show an hour at least.
    pub const SAMPLES_FINE_S: Self = Self { least: 3_600, most: 7 * DAY };
    /// Thinned out samples, seconds.
    pub const SAMPLES_COARSE_S: Self = Self { least: DAY, most: 400 * DAY };
    /// Runs, seconds: an hour at least, or nobody can see why a job failed.
    pub const RUNS_S: Self = Self { least: 3_600, most: 90 * DAY };
    /// Events in the log: fewer would send every reconnecting browser back to a snapshot.
    pub const EVENTS: Self = Self { least: 1_000, most: 10_000_000 };
    /// Removed workers, seconds.
    pub const REMOVED_WORKERS_S: Self = Self { least: 0, most: 400 * DAY };
    /// What EC2 takes as tags of one instance, less some room for `Name` and our own.
    pub const DEFAULT_TAGS: Self = Self { least: 0, most: 40 };
    /// Entries of a list of names.
    pub const NAMES: Self = Self { least: 0, most: 200 };
    /// Bytes of one name.
    pub const NAME_LENGTH: Self = Self { least: 1, most: 256 };
    /// Import rules.
    pub const IMPORT_RULES: Self = Self { least: 0, most: 100 };

    /// Says whether a value lies within.
    #[must_use]
    pub const fn hold(self, value: u64) -> bool {
        self.least <= value && value <= self.most
    }

    /// Adds a fault unless the value lies within.
    pub(crate) fn check(self, pointer: &str, value: u64, faults: &mut Vec<FieldFault>) {
        if !self.hold(value) {
            let Self { least, most } = self;
            faults.push(FieldFault::new(pointer, format!("must be from {least} to {most}")));
        }
    }

    fn check_len(self, pointer: &str, len: usize, what: &str, faults: &mut Vec<FieldFault>) {
        if !self.hold(len as u64) {
            let Self { least, most } = self;
            let detail = format!("must have from {least} to {most} {what}");
            faults.push(FieldFault::new(pointer, detail));
        }
    }
}

impl Provisioning {
    pub(super) fn check(&self, faults: &mut Vec<FieldFault>) {
        self.placement.check("/provisioning", faults);
        for (region, placement) in &self.regions {
            placement.check(&format!("/provisioning/regions/{region}"), faults);
        }
        let at = "/provisioning/default_tags";
        Bounds::DEFAULT_TAGS.check_len(at, self.default_tags.len(), "tags", faults);
        for (key, value) in &self.default_tags {
            check_tag(&format!("{at}/{}", escape(key)), key, value, faults);
        }
    }
}

impl Placement {
    fn check(&self, at: &str, faults: &mut Vec<FieldFault>) {
        if let Some(subnet) = &self.subnet {
            check_aws_id(&format!("{at}/subnet"), subnet, "subnet-", faults);
        }
        for (index, group) in self.security_groups.iter().enumerate() {
            check_aws_id(&format!("{at}/security_groups/{index}"), group, "sg-", faults);
        }
        if let Some(key) = &self.key_name {
            check_name(&format!("{at}/key_name"), key, faults);
        }
        if let Some(image) = &self.image {
            if image.id.is_none() && image.name.is_none() {
                faults.push(FieldFault::new(format!("{at}/image"), "must have an id or a name"));
            }
            if let Some(name) = &image.name {
                check_name(&format!("{at}/image/name"), name, faults);
            }
        }
    }
}

impl IdleSettings {
    pub(super) fn check(&self, faults: &mut Vec<FieldFault>) {
        Bounds::IDLE_TIMEOUT_S.check("/idle/timeout_s", self.timeout_s, faults);
        Bounds::SNOOZE_S.check("/idle/snooze_s", self.snooze_s, faults);
        Bounds::WARN_BEFORE_S.check("/idle/warn_before_s", self.warn_before_s, faults);
        if self.warn_before_s >= self.timeout_s {
            let detail = "must be less than timeout_s, or every worker is warned all the time";
            faults.push(FieldFault::new("/idle/warn_before_s", detail));
        }
        if self.categories.is_empty() {
            let detail = "must name at least one category, or nothing counts as use";
            faults.push(FieldFault::new("/idle/categories", detail));
        }
        check_names("/idle/categories", &self.categories, faults);
        check_names("/idle/service_users", &self.service_users, faults);
    }
}

impl ImportSettings {
    pub(super) fn check(&self, faults: &mut Vec<FieldFault>) {
        Bounds::IMPORT_RULES.check_len("/import/rules", self.rules.len(), "rules", faults);
        for (index, rule) in self.rules.iter().enumerate() {
            let at = format!("/import/rules/{index}");
            match &rule.image_name {
                Some(pattern) if pattern.chars().all(|c| matches!(c, '*' | '?')) => {
                    let detail = "must name more than wildcards, or every instance is imported";
                    faults.push(FieldFault::new(format!("{at}/image_name"), detail));
                }
                Some(pattern) => check_name(&format!("{at}/image_name"), pattern, faults),
                None if rule.tag.is_none() => {
                    faults.push(FieldFault::new(&at, "must have an image_name or a tag"));
                }
                None => {}
            }
            match (&rule.tag, &rule.tag_value) {
                (Some(key), _) => check_name(&format!("{at}/tag"), key, faults),
                (None, Some(_)) => {
                    faults.push(FieldFault::new(format!("{at}/tag_value"), "needs a tag"));
                }
                (None, None) => {}
            }
            if self.rules.iter().take(index).any(|earlier| earlier == rule) {
                faults.push(FieldFault::new(&at, "is there twice"));
            }
        }
    }
}

impl Retention {
    pub(super) fn check(&self, faults: &mut Vec<FieldFault>) {
        for (name, value, bounds) in [
            ("samples_fine_s", self.samples_fine_s, Bounds::SAMPLES_FINE_S),
            ("samples_coarse_s", self.samples_coarse_s, Bounds::SAMPLES_COARSE_S),
            ("runs_s", self.runs_s, Bounds::RUNS_S),
            ("events", self.events, Bounds::EVENTS),
            ("removed_workers_s", self.removed_workers_s, Bounds::REMOVED_WORKERS_S),
        ] {
            bounds.check(&format!("/retention/{name}"), value, faults);
        }
        if self.samples_coarse_s < self.samples_fine_s {
            let detail = "must not be less than samples_fine_s";
            faults.push(FieldFault::new("/retention/samples_coarse_s", detail));
        }
    }
}

fn check_names(at: &str, names: &BTreeSet<String>, faults: &mut Vec<FieldFault>) {
    Bounds::NAMES.check_len(at, names.len(), "entries", faults);
    for (index, name) in names.iter().enumerate() {
        check_name(&format!("{at}/{index}"), name, faults);
    }
}

fn check_name(at: &str, name: &str, faults: &mut Vec<FieldFault>) {
    Bounds::NAME_LENGTH.check_len(at, name.len(), "bytes", faults);
    if name.chars().any(char::is_control) || name.trim() != name {
        faults.push(FieldFault::new(at, "must have no control characters and no blanks around it"));
    }
}

/// EC2's own rules for tags; `Name` and `aws:*` are not ours to give away as defaults.
fn check_tag(at: &str, key: &str, value: &str, faults: &mut Vec<FieldFault>) {
    if key.is_empty() || key.chars().count() > 128 {
        faults.push(FieldFault::new(at, "must have a key of 1 to 128 characters"));
    }
    if key == "Name" || key.to_ascii_lowercase().starts_with("aws:") {
        faults.push(FieldFault::new(at, "must not be `Name` or begin with `aws:`"));
    }
    if value.chars().count() > 256 {
        faults.push(FieldFault::new(at, "must have a value of at most 256 characters"));
    }
}

fn check_aws_id(at: &str, text: &str, prefix: &str, faults: &mut Vec<FieldFault>) {
    let tail = text.strip_prefix(prefix).unwrap_or_default();
    if !matches!(tail.len(), 8 | 17) || !tail.bytes().all(|b| b.is_ascii_hexdigit()) {
        let detail = format!("must be an id such as {prefix}0abcd1234ef567890");
        faults.push(FieldFault::new(at, detail));
    }
}

/// Escapes a key for a JSON pointer (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
