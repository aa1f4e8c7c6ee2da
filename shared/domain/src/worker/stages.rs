//! Readiness in stages, each with its time and, when stuck, the reason.
//!
//! ```text
//! instance ─► checks ─► https ─► ready ─► licensed
//! ```

use std::time::Duration;

use super::{Service, Stage, StageState, Worker, WorkerFact, WorkerState};
use crate::{LicenseState, StatusCheck, Timestamp};

/// After this time a stage under way counts as stuck. Metal instances take up to 10 minutes to pass their checks.
const STUCK_AFTER: Duration = Duration::from_secs(15 * 60);

const NAMES: [&str; 5] = ["instance", "checks", "https", "ready", "licensed"];

impl Worker {
    /// Works the stages out anew and records when one moved.
    pub(super) fn restage(&mut self, now: Timestamp) {
        let before = std::mem::take(&mut self.status.stages);
        let mut reached = true;
        let mut stages = Vec::with_capacity(NAMES.len());
        for name in NAMES {
            let old = before.iter().find(|s| s.name == name);
            let stage = if reached {
                self.stage(name, old, now)
            } else {
                Stage {
                    name: name.to_owned(),
                    state: StageState::Waiting,
                    since: None,
                    reason: None,
                }
            };
            reached = stage.state == StageState::Done;
            stages.push(stage);
        }
        if stages != before {
            self.tell(WorkerFact::DetailsChanged);
        }
        self.status.stages = stages;
    }

    fn stage(&self, name: &str, old: Option<&Stage>, now: Timestamp) -> Stage {
        let (mut state, reason) = match name {
            "instance" => self.instance_stage(),
            "checks" => self.checks_stage(),
            "https" => self.https_stage(),
            "ready" => self.ready_stage(),
            _ => self.licensed_stage(),
        };
        // A stuck stage is an active one that has been so for long; its clock must not start again.
        let same = |old: &&Stage| {
            old.state == state || (old.state == StageState::Stuck && state == StageState::Active)
        };
        let since = old.filter(same).and_then(|s| s.since).or(Some(now));
        if state == StageState::Active && since.is_some_and(|at| now.since(at) > STUCK_AFTER) {
            state = StageState::Stuck;
        }
        Stage { name: name.to_owned(), state, since, reason }
    }

    fn instance_stage(&self) -> (StageState, Option<String>) {
        let reason = self.status.state_reason.clone();
        match self.status.state {
            WorkerState::Running => (StageState::Done, None),
            WorkerState::Pending | WorkerState::Starting => {
                (StageState::Active, self.open_power().and_then(|o| o.reason.clone()))
            }
            WorkerState::Failed | WorkerState::Terminated => (StageState::Failed, reason),
            WorkerState::Stopping
            | WorkerState::Stopped
            | WorkerState::Terminating
            | WorkerState::Missing
            | WorkerState::Unknown => (StageState::Waiting, reason),
        }
    }

    fn checks_stage(&self) -> (StageState, Option<String>) {
        let Some(instance) = &self.status.instance else { return (StageState::Waiting, None) };
        match (instance.system_check, instance.instance_check) {
            (StatusCheck::Ok, StatusCheck::Ok) => (StageState::Done, None),
            (StatusCheck::Impaired, _) => {
                (StageState::Failed, Some("the system status check failed: AWS's side; stop and start moves it to other hardware".to_owned()))
            }
            (_, StatusCheck::Impaired) => {
                (StageState::Failed, Some("the instance status check failed: its operating system does not answer".to_owned()))
            }
            (StatusCheck::Ok | StatusCheck::Initializing | StatusCheck::NotApplicable, _) => (StageState::Active, None),
        }
    }

    fn https_stage(&self) -> (StageState, Option<String>) {
        match self.status.service {
            Service::Available => (StageState::Done, None),
            Service::Starting
                if self.status.cml.error.is_none() && self.status.cml.version.is_some() =>
            {
                (StageState::Done, None)
            }
            Service::Starting => (StageState::Active, self.status.cml.error.clone()),
            Service::Degraded | Service::Unavailable => {
                (StageState::Failed, self.status.cml.error.clone())
            }
        }
    }

    fn ready_stage(&self) -> (StageState, Option<String>) {
        if self.status.cml.ready {
            return (StageState::Done, None);
        }
        (StageState::Active, Some("the controller says that it is not ready".to_owned()))
    }

    fn licensed_stage(&self) -> (StageState, Option<String>) {
        let license = &self.status.license;
        match license.status {
            LicenseState::Registered | LicenseState::Evaluation => (StageState::Done, None),
            LicenseState::Registering | LicenseState::Unknown => (StageState::Active, None),
            LicenseState::Unregistered => {
                (StageState::Waiting, Some("no licence is registered".to_owned()))
            }
            LicenseState::Failed | LicenseState::OutOfCompliance => {
                (StageState::Failed, license.reason.clone())
            }
        }
    }
}
