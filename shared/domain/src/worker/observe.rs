//! What EC2 and the controller tell of a worker, merged into its status.

use std::time::Duration;

use super::{
    BOOT_LIMIT, Drift, InstanceFacts, Metrics, OperationKind, Power, PowerChange, PowerReason,
    Service, Worker, WorkerFact, WorkerState,
};
use crate::cml::{ControllerFacts, ControllerLoad, LicenseSeen};
use crate::{Activity, ActorKind, IdleVerdict, Instance, InstanceState, Timestamp};

/// A sight that changes nothing is noted this often, so that an unchanged fleet costs few writes.
const NOTE_SIGHT_EVERY: Duration = Duration::from_secs(240);
/// EC2 may not show an instance for this long after its launch (eventual consistency).
const LAUNCH_GRACE: Duration = Duration::from_secs(180);
/// So many sweeps in a row without the instance make it terminated; one makes it missing.
const SWEEPS_TO_TERMINATED: u32 = 3;
/// So many failures in a row make a degraded service unavailable.
const FAILURES_TO_UNAVAILABLE: u32 = 3;

/// What came of asking a controller who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControllerAnswer {
    /// It answered.
    Facts(ControllerFacts),
    /// Nothing answered: refused, time-out, 502 or 503. Normal while it boots.
    Silent(String),
    /// It answered wrongly: certificate, 401, 403, nonsense.
    Wrong(String),
}

impl InstanceFacts {
    pub(super) fn of(instance: &Instance, before: Option<&Self>) -> Self {
        let same_image = before.filter(|b| b.image_id == instance.image_id);
        Self {
            id: instance.id.clone(),
            state: instance.state,
            instance_type: instance.instance_type.clone(),
            image_id: instance.image_id.clone(),
            image_name: same_image.and_then(|b| b.image_name.clone()),
            public_ip: instance.public_ip.clone(),
            private_ip: instance.private_ip.clone(),
            launched_at: instance.launched_at,
            system_check: instance.system_check,
            instance_check: instance.instance_check,
            detailed_monitoring: instance.detailed_monitoring,
        }
    }
}

impl Worker {
    /// Merges what EC2 says of the instance. `endpoint` is the controller's address by the fleet's template.
    pub fn observe_instance(
        &mut self,
        instance: &Instance,
        endpoint: Option<String>,
        now: Timestamp,
    ) {
        let before = self.status.instance.take();
        let facts = InstanceFacts::of(instance, before.as_ref());
        if let Some(before) = &before
            && before.instance_type != facts.instance_type
        {
            let detail =
                format!("type changed from {} to {}", before.instance_type, facts.instance_type);
            self.drifted("instance_type", detail, now);
        }
        let changed = before.as_ref() != Some(&facts);
        self.status.instance = Some(facts);
        if changed || self.status.seen_at.is_none_or(|at| now.since(at) >= NOTE_SIGHT_EVERY) {
            self.status.seen_at = Some(now);
        }
        self.status.missed = 0;
        let endpoint = self.spec.endpoint.clone().or(endpoint);
        if changed || self.status.endpoint != endpoint {
            self.status.endpoint = endpoint;
            self.tell(WorkerFact::DetailsChanged);
        }
        if self.status.tags != instance.tags {
            self.status.tags.clone_from(&instance.tags);
            self.tell(WorkerFact::TagsChanged);
        }
        self.enter(
            WorkerState::from_instance(instance.state),
            instance.state_reason.as_deref(),
            now,
        );
        self.restage(now);
    }

    /// Notes that a sweep did not show the instance.
    pub fn observe_absent(&mut self, now: Timestamp) {
        let Some(instance) = &self.status.instance else { return };
        let just_launched = instance.launched_at.is_some_and(|at| now.since(at) < LAUNCH_GRACE);
        if self.status.state.is_final() || just_launched {
            return;
        }
        self.status.missed += 1;
        let was_going = self.status.state == WorkerState::Terminating;
        if was_going || self.status.missed >= SWEEPS_TO_TERMINATED {
            self.enter(
                WorkerState::Terminated,
                Some("EC2 does not know the instance any more"),
                now,
            );
        } else {
            if self.status.state != WorkerState::Missing {
                self.drifted("missing", "EC2 did not show the instance".to_owned(), now);
            }
            self.enter(WorkerState::Missing, Some("EC2 did not show the instance"), now);
        }
        self.restage(now);
    }

    /// Notes that there never was an instance to terminate.
    pub fn observe_nothing_to_terminate(&mut self, now: Timestamp) {
        self.enter(WorkerState::Terminated, Some("no instance was ever made"), now);
        self.restage(now);
    }

    /// Notes that the instance could not be made.
    pub fn observe_failed_launch(&mut self, reason: &str, now: Timestamp) {
        self.enter(WorkerState::Failed, Some(reason), now);
        self.restage(now);
    }

    /// Merges what came of asking the controller who it is.
    pub fn observe_controller(&mut self, answer: &ControllerAnswer, now: Timestamp) {
        let before = self.status.cml.clone();
        let cml = &mut self.status.cml;
        let service = match answer {
            ControllerAnswer::Facts(facts) => {
                cml.version = Some(facts.version.clone());
                cml.ready = facts.ready;
                cml.answered_at = Some(now);
                cml.error = None;
                cml.failures = 0;
                if facts.ready { Service::Available } else { Service::Starting }
            }
            ControllerAnswer::Silent(reason) => {
                cml.failures += 1;
                cml.ready = false;
                cml.error = Some(reason.clone());
                self.silent_service(now)
            }
            ControllerAnswer::Wrong(reason) => {
                cml.failures += 1;
                cml.error = Some(reason.clone());
                Service::Degraded
            }
        };
        let cml = &self.status.cml;
        if (cml.ready, &cml.version, &cml.error) != (before.ready, &before.version, &before.error) {
            self.tell(WorkerFact::DetailsChanged);
        }
        self.serve(service, now);
        self.restage(now);
    }

    /// Merges the controller's load. The sample is ephemeral; only counts are told durably.
    pub fn observe_load(&mut self, load: &ControllerLoad, now: Timestamp) {
        self.status.metrics = Metrics {
            cpu: load.cpu.or(self.status.metrics.cpu),
            memory: load.memory,
            disk: load.disk,
            at: Some(now),
        };
        let cml = &mut self.status.cml;
        if (cml.nodes, cml.running_nodes) != (load.nodes, load.running_nodes) {
            (cml.nodes, cml.running_nodes) = (load.nodes, load.running_nodes);
            self.tell(WorkerFact::DetailsChanged);
        }
    }

    /// Merges CloudWatch's CPU reading, which counts only where the controller tells none itself.
    pub fn observe_cpu(&mut self, percent: f64, at: Timestamp) {
        if self.status.metrics.at.is_none_or(|known| known < at) {
            self.status.metrics.cpu = Some(percent);
            self.status.metrics.at = Some(at);
        }
    }

    /// Notes how many labs the controller has.
    pub fn observe_labs(&mut self, labs: u32) {
        if self.status.cml.labs != labs {
            self.status.cml.labs = labs;
            self.tell(WorkerFact::DetailsChanged);
        }
    }

    /// Merges what the controller says of its licence.
    pub fn observe_license(&mut self, seen: &LicenseSeen, now: Timestamp) {
        if self.status.license.observe(seen, now) {
            self.tell(WorkerFact::LicenseChanged);
        }
        self.restage(now);
    }

    /// Merges what telemetry says of use by people, and the idle decision made of it.
    pub fn observe_activity(&mut self, activity: Activity, verdict: IdleVerdict) {
        let used = activity.last_at != self.status.activity.last_at;
        let decided = self.status.idle.as_ref().is_none_or(|before| before.differs(&verdict));
        self.status.activity = activity;
        self.status.idle = Some(verdict);
        if used || decided {
            self.tell(WorkerFact::ActivityChanged);
        }
    }

    fn silent_service(&self, now: Timestamp) -> Service {
        let boots = now.since(self.status.state_since) < BOOT_LIMIT;
        match self.status.service {
            Service::Unavailable | Service::Starting if boots => Service::Starting,
            Service::Available => Service::Degraded,
            Service::Degraded if self.status.cml.failures < FAILURES_TO_UNAVAILABLE => {
                Service::Degraded
            }
            Service::Unavailable | Service::Starting | Service::Degraded => Service::Unavailable,
        }
    }

    fn enter(&mut self, state: WorkerState, reason: Option<&str>, now: Timestamp) {
        let from = self.status.state;
        if from != state {
            self.status.state = state;
            self.status.state_since = now;
            self.status.state_reason = reason.map(str::to_owned);
            self.tell(WorkerFact::StateChanged { from });
            self.note_power(from, reason, now);
            if state != WorkerState::Running {
                self.status.cml.ready = false;
                self.status.cml.running_nodes = 0;
                self.status.cml.error = None;
                self.status.metrics = Metrics::default();
                self.serve(Service::Unavailable, now);
            } else if self.status.service == Service::Unavailable {
                self.serve(Service::Starting, now);
            }
        }
        self.settle_operation(now);
    }

    fn note_power(&mut self, from: WorkerState, reason: Option<&str>, now: Timestamp) {
        use WorkerState as S;
        let state = self.status.state;
        let ran = matches!(from, S::Running | S::Starting | S::Missing | S::Unknown);
        let stopped = matches!(from, S::Stopped | S::Stopping | S::Missing | S::Unknown);
        let open = self.open_power().map(|o| (o.kind, o.by.clone()));
        let change = |ours: &[OperationKind]| match &open {
            Some((kind, by)) if ours.contains(kind) => {
                let idle = by.kind == ActorKind::Policy;
                let reason = if idle { PowerReason::IdleTimeout } else { PowerReason::Manual };
                PowerChange { at: now, reason, by: by.name.clone() }
            }
            Some(_) | None => {
                let by = reason.filter(|r| !r.is_empty()).unwrap_or("outside").to_owned();
                PowerChange { at: now, reason: PowerReason::External, by }
            }
        };
        let since = |known: &Option<PowerChange>, other: &Option<PowerChange>| {
            known.as_ref().map(|c| c.at) > other.as_ref().map(|c| c.at)
        };
        if ran && matches!(state, S::Stopping | S::Stopped) {
            if !since(&self.status.power.paused, &self.status.power.resumed) {
                self.pause(change(&[OperationKind::Stop]), now);
            }
        } else if stopped
            && matches!(state, S::Starting | S::Running)
            && !since(&self.status.power.resumed, &self.status.power.paused)
        {
            self.resume(change(&[OperationKind::Start, OperationKind::Create]), now);
        }
    }

    fn pause(&mut self, change: PowerChange, now: Timestamp) {
        match change.reason {
            PowerReason::Manual => self.status.power.manual_pauses += 1,
            PowerReason::IdleTimeout => self.status.power.auto_pauses += 1,
            PowerReason::External => {
                self.status.power.external_pauses += 1;
                if self.spec.power == Power::On {
                    self.drifted("state", format!("stopped from outside: {}", change.by), now);
                }
            }
        }
        self.status.power.paused = Some(change.clone());
        self.tell(WorkerFact::Paused(change));
    }

    fn resume(&mut self, change: PowerChange, now: Timestamp) {
        self.status.power.resumes += 1;
        if change.reason == PowerReason::External && self.spec.power == Power::Off {
            self.drifted("state", format!("started from outside: {}", change.by), now);
        } else {
            self.status.drift = None;
        }
        self.status.power.resumed = Some(change.clone());
        self.tell(WorkerFact::Resumed(change));
    }

    /// Ends steps of the open power operation that what was seen shows to be done.
    fn settle_operation(&mut self, now: Timestamp) {
        let Some(kind) = self.open_power().map(|o| o.kind) else { return };
        let state = self.status.state;
        let serves = self.status.service == Service::Available;
        self.step_power(|o| match (kind, state) {
            (OperationKind::Create | OperationKind::Start, WorkerState::Running) => {
                o.reach(if serves { "service" } else { "running" }, now);
            }
            (OperationKind::Stop, WorkerState::Stopped) => o.reach("stopped", now),
            (OperationKind::Terminate, WorkerState::Terminated) => o.reach("terminated", now),
            (
                OperationKind::Create | OperationKind::Start | OperationKind::Stop,
                WorkerState::Terminated,
            ) => {
                o.fail("the instance was terminated from outside", None, now);
            }
            _ => {}
        });
    }

    fn serve(&mut self, service: Service, now: Timestamp) {
        let from = self.status.service;
        if from != service {
            self.status.service = service;
            self.status.service_since = now;
            self.tell(WorkerFact::ServiceChanged { from });
        }
        self.settle_operation(now);
    }

    fn drifted(&mut self, what: &str, detail: String, now: Timestamp) {
        self.status.drift = Some(Drift { what: what.to_owned(), detail, at: now });
        self.tell(WorkerFact::DetailsChanged);
    }

    /// Whether EC2 counts the instance as running.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.status.instance.as_ref().is_some_and(|i| i.state == InstanceState::Running)
    }
}
