//! Changes of what is wanted of a worker that need no operation.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{NewWorker, Worker, WorkerFact};
use crate::{DomainError, FieldFault, IdlePolicy, InstanceType, Timestamp};

/// The longest time by which one call moves the idle deadline.
const LONGEST_EXTENSION: Duration = Duration::from_secs(7 * 24 * 3600);
/// AWS's bound on the number of tags.
const MOST_TAGS: usize = 50;

impl Worker {
    /// Moves the idle deadline to at least `span` from now.
    ///
    /// # Errors
    /// When `span` is zero or longer than seven days.
    pub fn extend(&mut self, span: Duration, now: Timestamp) -> Result<(), DomainError> {
        if span.is_zero() || span > LONGEST_EXTENSION {
            return Err(DomainError::invalid("/seconds", "must be between 1 and 604800"));
        }
        let until = now.plus(span);
        self.respec(now, |spec| spec.extended_until = spec.extended_until.max(Some(until)));
        Ok(())
    }

    /// Sets the worker's own idle policy.
    ///
    /// # Errors
    /// When the timeout is out of its bounds.
    pub fn set_idle_policy(
        &mut self,
        policy: IdlePolicy,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        DomainError::unless_clean(policy.check(""))?;
        if self.spec.idle != policy {
            self.respec(now, |spec| spec.idle = policy);
            self.tell(WorkerFact::IdlePolicyChanged);
        }
        Ok(())
    }

    /// Sets the tags wanted: those given are set, those wanted before and not given are taken off.
    ///
    /// # Errors
    /// When a tag is reserved, malformed, or there are too many.
    pub fn set_tags(
        &mut self,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        DomainError::unless_clean(tag_faults(&tags))?;
        let ours =
            |key: &&String| !key.starts_with("aws:") && *key != "Name" && !tags.contains_key(*key);
        let removed: Vec<String> =
            self.status.tags.keys().chain(self.spec.tags.keys()).filter(ours).cloned().collect();
        self.respec(now, |spec| {
            spec.tags = tags;
            spec.tags_removed = removed;
            spec.tags_removed.sort();
            spec.tags_removed.dedup();
        });
        Ok(())
    }

    /// Asks for detailed monitoring to be on or off.
    pub fn set_monitoring(&mut self, on: bool, now: Timestamp) {
        self.respec(now, |spec| spec.detailed_monitoring = Some(on));
    }

    /// Gives the worker another name.
    ///
    /// # Errors
    /// When the name is empty, too long or has control characters.
    pub fn rename(&mut self, name: &str, now: Timestamp) -> Result<(), DomainError> {
        DomainError::unless_clean(name_faults(name))?;
        if self.name != name {
            name.clone_into(&mut self.name);
            self.bump_spec(now);
        }
        Ok(())
    }

    /// Sets the address of the controller; `None` goes back to the fleet's template.
    ///
    /// # Errors
    /// When it is not an `http` or `https` address.
    pub fn set_endpoint(
        &mut self,
        endpoint: Option<String>,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if endpoint.as_ref().is_some_and(|url| !is_web(url)) {
            return Err(DomainError::invalid(
                "/cml_endpoint",
                "must begin with https:// or http://",
            ));
        }
        self.respec(now, |spec| spec.endpoint = endpoint);
        Ok(())
    }

    /// Sets the type to launch.
    ///
    /// # Errors
    /// When the instance exists: its type is then what EC2 says.
    pub fn set_instance_type(
        &mut self,
        instance_type: &InstanceType,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        if self.status.instance.is_some() {
            return Err(DomainError::not_possible(
                "type_fixed",
                "the instance exists; change its type in EC2 while it is stopped, and it is seen here",
            ));
        }
        self.respec(now, |spec| spec.instance_type = Some(instance_type.clone()));
        Ok(())
    }

    /// Sets the CML version that people expect; `None` expects none.
    ///
    /// # Errors
    /// When it is empty or longer than 64 characters.
    pub fn set_cml_version(
        &mut self,
        version: Option<String>,
        now: Timestamp,
    ) -> Result<(), DomainError> {
        if version.as_ref().is_some_and(|v| v.is_empty() || v.chars().count() > 64) {
            return Err(DomainError::invalid("/cml_version", "must have 1 to 64 characters"));
        }
        self.respec(now, |spec| spec.cml_version = version);
        Ok(())
    }
}

impl NewWorker {
    /// Checks everything that can be checked without asking AWS.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with every field that is wrong.
    pub fn check(&self) -> Result<(), DomainError> {
        let mut faults = name_faults(&self.name);
        faults.extend(tag_faults(&self.spec.tags));
        faults.extend(self.spec.idle.check("/idle"));
        if self.spec.image.id.is_none() && self.spec.image.name.is_none() {
            faults.push(FieldFault::new(
                "/ami",
                "must name an AMI id or name; the settings have no default",
            ));
        }
        if self.spec.instance_type.is_none() {
            faults.push(FieldFault::new(
                "/instance_type",
                "must be given; the settings have no default",
            ));
        }
        DomainError::unless_clean(faults)
    }
}

/// Checks a worker's name.
fn name_faults(name: &str) -> Vec<FieldFault> {
    let fits = (1..=128).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits && name.trim() == name {
        return Vec::new();
    }
    vec![FieldFault::new(
        "/name",
        "must have 1 to 128 characters, no control characters, no space at its ends",
    )]
}

fn tag_faults(tags: &BTreeMap<String, String>) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if tags.len() > MOST_TAGS {
        faults.push(FieldFault::new("/tags", "must have at most 50 entries"));
    }
    for (key, value) in tags {
        let pointer = format!("/tags/{}", key.replace('~', "~0").replace('/', "~1"));
        if key.to_ascii_lowercase().starts_with("aws:") {
            faults.push(FieldFault::new(pointer, "must not begin with aws:, which is reserved"));
        } else if key == "Name" {
            faults.push(FieldFault::new(pointer, "must not be Name; rename the worker instead"));
        } else if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            faults.push(FieldFault::new(
                pointer,
                "must have a key of 1 to 128 and a value of up to 256 characters",
            ));
        }
    }
    faults
}
