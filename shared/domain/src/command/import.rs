//! The wish to make workers of existing instances, and its answer.

use serde::{Deserialize, Serialize};

use crate::{Account, FieldFault, ImageId, InstanceId, Region, WorkerId};

/// Which instances to import: exactly one of id, image id and image name is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The account, `self` unless roles are assumed.
    #[serde(default)]
    pub account: Account,
    /// The region.
    pub region: Region,
    /// This instance.
    #[serde(default)]
    pub instance_id: Option<InstanceId>,
    /// Instances of this image.
    #[serde(default, alias = "ami_id")]
    pub image_id: Option<ImageId>,
    /// Instances of images with this name, with `*` and `?`.
    #[serde(default, alias = "ami_name")]
    pub image_name: Option<String>,
    /// All that match; otherwise it must be exactly one.
    #[serde(default)]
    pub all: bool,
    /// A name for the one that is imported; otherwise its `Name` tag.
    #[serde(default)]
    pub name: Option<String>,
    /// Address of its controller when it is not the fleet's template.
    #[serde(default)]
    pub cml_endpoint: Option<String>,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportAnswer {
    /// How many instances matched.
    pub found: u32,
    /// Those that are workers now.
    pub imported: Vec<Imported>,
    /// Those that are not, each with the reason.
    pub skipped: Vec<SkippedImport>,
}

/// An instance that became a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The instance.
    pub instance_id: InstanceId,
    /// The worker.
    pub worker: WorkerId,
}

/// An instance that did not become a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedImport {
    /// The instance.
    pub instance_id: InstanceId,
    /// Why.
    pub reason: String,
}

impl ImportRequest {
    /// Returns the key that equal requests share; none when it says something of the one worker that it makes.
    pub(super) fn fold_key(&self) -> Option<String> {
        if self.name.is_some() || self.cml_endpoint.is_some() {
            return None;
        }
        let instance = self.instance_id.as_ref().map(|id| format!("id/{id}"));
        let image = || self.image_id.as_ref().map(|id| format!("ami_id/{id}"));
        let named = || self.image_name.as_ref().map(|name| format!("ami_name/{name}"));
        let which = instance.or_else(image).or_else(named)?;
        let count = if self.all { "all" } else { "one" };
        Some(format!("import_instances/{}/{}/{count}/{which}", self.account, self.region))
    }

    /// Returns every field that is out of its bounds.
    #[must_use]
    pub fn check(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let given =
            [self.instance_id.is_some(), self.image_id.is_some(), self.image_name.is_some()];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let detail = "exactly one of instance_id, ami_id and ami_name must be given";
            faults.push(FieldFault::new("/instance_id", detail));
        }
        if self.image_name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 256) {
            faults.push(FieldFault::new("/ami_name", "must have from 1 to 256 bytes"));
        }
        if self.all && self.instance_id.is_some() {
            faults.push(FieldFault::new("/all", "means nothing with an instance_id"));
        }
        if self.all && self.name.is_some() {
            faults.push(FieldFault::new("/name", "fits one worker only; leave it out with all"));
        }
        if self.all && self.cml_endpoint.is_some() {
            let detail = "fits one worker only; leave it out with all";
            faults.push(FieldFault::new("/cml_endpoint", detail));
        }
        faults
    }
}
