//! `[jobs.<name>]`: how often jobs run at first. Afterwards the stored schedules count.

use std::collections::BTreeMap;

use ccm_config::Span;
use ccm_domain::schedule::{Cadence, JobSpec, ScheduleSpec, job};
use serde::Deserialize;

/// `[jobs]`: one section for each job that is not to run as the table says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, JobSection>")]
pub struct JobsSection(BTreeMap<String, JobSection>);

/// `[jobs.<name>]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSection {
    /// Time between two runs, 5s to 7d.
    pub every: Option<Span>,
    /// The spread of its runs, at most `every`.
    pub jitter: Option<Span>,
    /// Whether it runs by itself.
    pub enabled: Option<bool>,
}

/// There is no such periodic job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no periodic job called {0}")]
pub struct UnknownJob(String);

impl TryFrom<BTreeMap<String, JobSection>> for JobsSection {
    type Error = UnknownJob;

    fn try_from(sections: BTreeMap<String, JobSection>) -> Result<Self, UnknownJob> {
        let periodic = |name: &str| job(name).is_some_and(|job| job.every_s.is_some());
        match sections.keys().find(|name| !periodic(name)) {
            Some(unknown) => Err(UnknownJob(unknown.clone())),
            None => Ok(Self(sections)),
        }
    }
}

impl JobsSection {
    /// Returns the first schedule of a job; none when it runs on command only.
    #[must_use]
    pub fn schedule(&self, job: &JobSpec) -> Option<ScheduleSpec> {
        let mut spec = job.schedule()?;
        if let Some(section) = self.0.get(job.name) {
            if let Some(jitter) = section.jitter {
                spec.jitter_s = jitter.get().as_secs();
            }
            if let Some(every) = section.every {
                spec.cadence = Cadence::Every { seconds: every.get().as_secs() };
                // Who only shortens the period need not think of a spread that was fit for a longer one.
                spec.jitter_s = spec.jitter_s.min(every.get().as_secs());
            }
            spec.enabled = section.enabled.unwrap_or(spec.enabled);
        }
        Some(spec)
    }

    /// Returns what is out of bounds, one sentence each.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let specs = self.0.keys().filter_map(|name| self.schedule(job(name)?));
        let faults = specs.flat_map(|spec| {
            let name = spec.name.clone();
            spec.check().into_iter().map(move |fault| format!("jobs.{name}: {}", fault.detail))
        });
        faults.collect()
    }
}
