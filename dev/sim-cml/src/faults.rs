//! The faults file: what goes wrong, where, when and for how long.
//!
//! ```toml
//! [[fault]]
//! worker = 3            # number from 1, or an instance id; every worker when left out
//! kind = "status"
//! status = 500
//! after = 120           # simulated seconds after the start
//! lasts = 60            # for ever when left out
//! ```

use std::time::Duration;

use anyhow::Context;
use ccm_domain::InstanceId;
use ccm_testkit::lab_host::{Fault, LabHosts};
use serde::Deserialize;

/// A faults file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsFile {
    #[serde(default)]
    fault: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    worker: Option<Which>,
    #[serde(flatten)]
    fault: Fault,
    #[serde(default)]
    after: u64,
    lasts: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Which {
    Number(usize),
    Id(InstanceId),
}

impl FaultsFile {
    /// Reads a faults file.
    ///
    /// # Errors
    /// When the text is no faults file; the error names the place.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).context("the faults file cannot be read")
    }

    /// Plans the faults in a world.
    ///
    /// # Errors
    /// When a worker of the file is not there.
    pub fn plan(&self, world: &LabHosts) -> anyhow::Result<()> {
        let all = world.ids();
        for entry in &self.fault {
            let ids: Vec<&InstanceId> = match &entry.worker {
                None => all.iter().collect(),
                Some(Which::Id(id)) => vec![id],
                Some(Which::Number(number)) => {
                    let place = number.checked_sub(1).and_then(|place| all.get(place));
                    vec![place.with_context(|| format!("there is no worker number {number}"))?]
                }
            };
            for id in ids {
                let after = Duration::from_secs(entry.after);
                world.plan(id, entry.fault, after, entry.lasts.map(Duration::from_secs));
            }
        }
        Ok(())
    }
}
