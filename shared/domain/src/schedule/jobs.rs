//! The jobs there are, with their defaults. Intervals are changed at run time, in the schedule.

use std::time::Duration;

use super::{Cadence, Misfire, Overlap, ScheduleSpec};
use crate::run::RetryPolicy;

/// What "at once" counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Runs in the whole fleet.
    Fleet,
    /// Calls per account and region.
    Region,
    /// Workers looked at.
    Workers,
}

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Its name, also that of its schedule.
    pub name: &'static str,
    /// Seconds between two runs; none when it runs on command only.
    pub every_s: Option<u64>,
    /// Spread, seconds.
    pub jitter_s: u64,
    /// Whether it runs without being configured.
    pub enabled: bool,
    /// How many at once.
    pub at_once: u32,
    /// Of what.
    pub lane: Lane,
    /// Seconds after which a run is ended by force.
    pub timeout_s: u64,
    /// Attempts in all. Periodic jobs have few: the next slot is the better repetition.
    pub attempts: u32,
    /// What it does, for people.
    pub about: &'static str,
}

/// Every job.
pub const JOBS: [JobSpec; 10] = [
    JobSpec {
        name: "observe_instances",
        every_s: Some(60),
        jitter_s: 5,
        enabled: true,
        at_once: 1,
        lane: Lane::Region,
        timeout_s: 120,
        attempts: 2,
        about: "Sweeps each account and region: states, checks, drift, missing instances",
    },
    JobSpec {
        name: "collect_measurements",
        every_s: Some(300),
        jitter_s: 30,
        enabled: true,
        at_once: 10,
        lane: Lane::Workers,
        timeout_s: 240,
        attempts: 2,
        about: "Reads CloudWatch in batches and the load of every running controller",
    },
    JobSpec {
        name: "refresh_labs",
        every_s: Some(300),
        jitter_s: 30,
        enabled: true,
        at_once: 5,
        lane: Lane::Workers,
        timeout_s: 240,
        attempts: 2,
        about: "Reads labs and nodes of ready workers; removes labs that are gone",
    },
    JobSpec {
        name: "detect_activity",
        every_s: Some(600),
        jitter_s: 30,
        enabled: true,
        at_once: 5,
        lane: Lane::Workers,
        timeout_s: 300,
        attempts: 2,
        about: "Reads telemetry, warns before the idle deadline, asks for a stop after it",
    },
    JobSpec {
        name: "import_instances",
        every_s: Some(3_600),
        jitter_s: 60,
        enabled: false,
        at_once: 1,
        lane: Lane::Region,
        timeout_s: 300,
        attempts: 5,
        about: "Makes workers of instances that match the import rules",
    },
    JobSpec {
        name: "reconcile_workers",
        every_s: Some(30),
        jitter_s: 2,
        enabled: true,
        at_once: 10,
        lane: Lane::Workers,
        timeout_s: 120,
        attempts: 2,
        about: "Takes the next step of each worker whose wanted and seen state differ",
    },
    JobSpec {
        name: "run_lab_actions",
        every_s: None,
        jitter_s: 0,
        enabled: true,
        at_once: 5,
        lane: Lane::Workers,
        timeout_s: 300,
        attempts: 3,
        about: "Imports, downloads, starts, stops, wipes and deletes labs",
    },
    JobSpec {
        name: "step_licenses",
        every_s: None,
        jitter_s: 0,
        enabled: true,
        at_once: 5,
        lane: Lane::Workers,
        timeout_s: 300,
        attempts: 5,
        about: "Registers and deregisters licences, one resumable step at a time",
    },
    JobSpec {
        name: "refresh_worker",
        every_s: None,
        jitter_s: 0,
        enabled: true,
        at_once: 5,
        lane: Lane::Workers,
        timeout_s: 120,
        attempts: 2,
        about: "Looks at one worker now: instance, load, controller, labs, activity",
    },
    JobSpec {
        name: "prune",
        every_s: Some(3_600),
        jitter_s: 300,
        enabled: true,
        at_once: 1,
        lane: Lane::Fleet,
        timeout_s: 300,
        attempts: 2,
        about: "Removes history, runs, events and samples past their keep time",
    },
];

/// Finds a job by its name.
#[must_use]
pub fn job(name: &str) -> Option<&'static JobSpec> {
    JOBS.iter().find(|job| job.name == name)
}

impl JobSpec {
    /// Returns its schedule as it is set at first; none when it runs on command only.
    #[must_use]
    pub fn schedule(&self) -> Option<ScheduleSpec> {
        Some(ScheduleSpec {
            name: self.name.to_owned(),
            job: self.name.to_owned(),
            cadence: Cadence::Every { seconds: self.every_s? },
            jitter_s: self.jitter_s,
            // Jobs look at everything, so one run makes up for all that were missed.
            misfire: Misfire::Once,
            overlap: Overlap::Skip,
            enabled: self.enabled,
        })
    }

    /// Returns the time after which a run is ended by force.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Returns how often and with which pauses it is tried.
    #[must_use]
    pub const fn retry(&self) -> RetryPolicy {
        RetryPolicy {
            attempts: self.attempts,
            first: Duration::from_secs(5),
            most: Duration::from_secs(300),
        }
    }
}
