//! The one next step that moves a worker towards what is wanted of it.

use std::time::Duration;

use super::{Operation, OperationKind, Service, Worker, WorkerState};
use crate::Timestamp;

/// How long a controller may stay silent after its instance runs before that is a fault.
pub const BOOT_LIMIT: Duration = Duration::from_secs(20 * 60);

/// A next step. Carried out by the reconciler; every step may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing to do.
    Rest,
    /// Launch an instance under the operation's id.
    Launch,
    /// Start the instance.
    Start,
    /// Stop the instance.
    Stop,
    /// Stop all labs before the instance goes.
    StopLabs,
    /// Save the labs' topologies before the instance goes.
    SaveLabs,
    /// Give the licence back before the instance goes.
    ReleaseLicense,
    /// Terminate the instance.
    Terminate,
    /// Set and remove tags.
    Tag,
    /// Turn detailed monitoring on or off.
    Monitor(bool),
    /// Look at the instance: it is on its way.
    Look,
    /// Ask the controller who it is.
    Probe,
    /// Hand the licence token over.
    Register,
    /// Give the licence back because somebody asked.
    Deregister,
    /// Ask how far the licence is.
    ConfirmLicense,
    /// End the open power operation: it took too long.
    GiveUp,
    /// End the open licence operation: it took too long.
    GiveUpLicense,
}

/// Says the next step of `worker` at `now`.
#[must_use]
pub fn decide(worker: &Worker, now: Timestamp) -> Next {
    if worker.removed_at.is_some() {
        return Next::Rest;
    }
    let step = worker.open_power().map_or(Next::Rest, |open| power_step(worker, open, now));
    if step != Next::Rest {
        return step;
    }
    let step = worker.open_license().map_or(Next::Rest, |open| license_step(worker, open, now));
    if step != Next::Rest {
        return step;
    }
    upkeep_step(worker)
}

fn power_step(worker: &Worker, open: &Operation, now: Timestamp) -> Next {
    if open.is_overdue(now) {
        return Next::GiveUp;
    }
    if !open.is_due(now) {
        return Next::Rest;
    }
    match open.kind {
        OperationKind::Create | OperationKind::Start => on_step(worker, open),
        OperationKind::Stop => off_step(worker),
        OperationKind::Terminate => gone_step(worker, open),
        OperationKind::RegisterLicense | OperationKind::DeregisterLicense => Next::Rest,
    }
}

fn on_step(worker: &Worker, open: &Operation) -> Next {
    match worker.state() {
        WorkerState::Pending if open.kind == OperationKind::Create => Next::Launch,
        WorkerState::Stopped => Next::Start,
        WorkerState::Running => Next::Probe,
        WorkerState::Pending
        | WorkerState::Starting
        | WorkerState::Stopping
        | WorkerState::Missing
        | WorkerState::Unknown => Next::Look,
        WorkerState::Terminating | WorkerState::Terminated | WorkerState::Failed => Next::GiveUp,
    }
}

fn off_step(worker: &Worker) -> Next {
    match worker.state() {
        WorkerState::Running => Next::Stop,
        WorkerState::Pending
        | WorkerState::Starting
        | WorkerState::Stopping
        | WorkerState::Missing
        | WorkerState::Unknown => Next::Look,
        WorkerState::Stopped => Next::Rest,
        WorkerState::Terminating | WorkerState::Terminated | WorkerState::Failed => Next::GiveUp,
    }
}

fn gone_step(worker: &Worker, open: &Operation) -> Next {
    if worker.instance_id().is_none() || worker.state().is_final() {
        return Next::Terminate;
    }
    match open.step() {
        Some("stop_labs") => Next::StopLabs,
        Some("save_labs") => Next::SaveLabs,
        Some("deregister") => Next::ReleaseLicense,
        Some("terminate") => Next::Terminate,
        Some(_) | None => Next::Look,
    }
}

fn license_step(worker: &Worker, open: &Operation, now: Timestamp) -> Next {
    if open.is_overdue(now) {
        return Next::GiveUpLicense;
    }
    if !open.is_due(now) || !worker.is_reachable() {
        return Next::Rest;
    }
    match (open.kind, open.step()) {
        (OperationKind::RegisterLicense, Some("register")) => Next::Register,
        (OperationKind::DeregisterLicense, Some("deregister")) => Next::Deregister,
        (_, _) => Next::ConfirmLicense,
    }
}

fn upkeep_step(worker: &Worker) -> Next {
    let Some(instance) = &worker.status.instance else { return Next::Rest };
    if worker.state().is_final() || worker.state() == WorkerState::Missing {
        return Next::Rest;
    }
    if matches!(
        worker.state(),
        WorkerState::Starting | WorkerState::Stopping | WorkerState::Terminating
    ) {
        return Next::Look;
    }
    let tags = &worker.status.tags;
    let differs = worker.spec.tags.iter().any(|(key, value)| tags.get(key) != Some(value))
        || worker.spec.tags_removed.iter().any(|key| tags.contains_key(key));
    if differs {
        return Next::Tag;
    }
    match worker.spec.detailed_monitoring {
        Some(on) if on != instance.detailed_monitoring => return Next::Monitor(on),
        Some(_) | None => {}
    }
    if worker.runs() && worker.status.service != Service::Available {
        return Next::Probe;
    }
    Next::Rest
}
