//! The worker: what is wanted of it, what was last seen of it, and the facts not yet told.
//!
//! ```text
//! API ──intent──► spec ┐
//!                      ├─► decide ──► next step
//! EC2, CML ─observe─► status ┘
//! ```
//!
//! **Invariant:** every transition that changes what others can see records a fact; the store writes
//! document and facts in one step.

mod decide;
mod edit;
mod idle;
mod intent;
mod observe;
mod operation;
mod spec;
mod stages;
mod status;
mod view;

use serde::{Deserialize, Serialize};

pub use decide::{BOOT_LIMIT, Next, decide};
pub use intent::{Found, NewWorker, Wish};
pub use observe::ControllerAnswer;
pub use operation::{
    LICENSE_LIMIT, MOST_ATTEMPTS, Operation, OperationKind, OperationState, POWER_LIMIT, Step,
    StepState,
};
pub use spec::{Power, Spec};
pub use status::{
    Controller, Drift, InstanceFacts, Metrics, PowerChange, PowerHistory, PowerReason, Service,
    Stage, StageState, Status, WorkerState,
};
pub use view::{Addresses, ImageView, Want, WorkerView};

use crate::{Author, InstanceId, Scope, Timestamp, WorkerId};

/// How many ended operations a worker remembers.
const KEPT_OPERATIONS: usize = 10;

/// How a worker came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Launched by us.
    Created,
    /// Found in EC2.
    Imported,
}

/// What happened to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerFact {
    /// It was asked for.
    Created,
    /// An existing instance became a worker.
    Imported,
    /// What is wanted changed.
    SpecChanged,
    /// The state changed.
    StateChanged {
        /// The state before.
        from: WorkerState,
    },
    /// The controller's service state changed.
    ServiceChanged {
        /// The state before.
        from: Service,
    },
    /// Addresses, type, versions, counts, stages or drift changed.
    DetailsChanged,
    /// The tags seen changed.
    TagsChanged,
    /// It was paused.
    Paused(PowerChange),
    /// It was resumed.
    Resumed(PowerChange),
    /// Its own idle policy changed.
    IdlePolicyChanged,
    /// Use by a person, or another idle decision.
    ActivityChanged,
    /// The licence changed.
    LicenseChanged,
    /// An operation began, moved on or ended.
    OperationChanged,
    /// It was forgotten.
    Removed {
        /// By whom.
        by: Author,
    },
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Our id.
    pub id: WorkerId,
    /// Grows with every write.
    pub rev: u64,
    /// Name for people.
    pub name: String,
    /// Account and region.
    pub scope: Scope,
    /// How it came to be.
    pub origin: Origin,
    /// What is wanted.
    pub spec: Spec,
    /// Grows with every change of what is wanted; the `ETag` outside.
    pub spec_rev: u64,
    /// What was last seen.
    pub status: Status,
    /// Operations, newest first; at most one about power and one about the licence is open.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// When it became known here.
    pub created_at: Timestamp,
    /// Who made or imported it.
    pub created_by: Author,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// When it was forgotten; the document stays until that is told and its keep time is over.
    #[serde(default)]
    pub removed_at: Option<Timestamp>,
    #[serde(skip)]
    facts: Vec<WorkerFact>,
}

impl Worker {
    /// Returns the id of its instance, if it has one.
    #[must_use]
    pub fn instance_id(&self) -> Option<&InstanceId> {
        self.status.instance.as_ref().map(|instance| &instance.id)
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(&self) -> WorkerState {
        self.status.state
    }

    /// Whether its controller can be talked to now.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.status.state == WorkerState::Running
            && self.status.endpoint.is_some()
            && matches!(self.status.service, Service::Available | Service::Degraded)
    }

    /// Returns the open operation about power.
    #[must_use]
    pub fn open_power(&self) -> Option<&Operation> {
        self.operations.iter().find(|o| o.is_open() && !o.kind.is_license())
    }

    /// Returns the open operation about the licence.
    #[must_use]
    pub fn open_license(&self) -> Option<&Operation> {
        self.operations.iter().find(|o| o.is_open() && o.kind.is_license())
    }

    /// Returns an operation by its id.
    #[must_use]
    pub fn operation(&self, id: crate::OperationId) -> Option<&Operation> {
        self.operations.iter().find(|o| o.id == id)
    }

    /// Changes the open operation about power, if there is one, and records that it changed.
    pub fn step_power(&mut self, step: impl FnOnce(&mut Operation)) {
        self.step_where(|o| o.is_open() && !o.kind.is_license(), step);
    }

    /// Changes the open operation about the licence, if there is one, and records that it changed.
    pub fn step_license(&mut self, step: impl FnOnce(&mut Operation)) {
        self.step_where(|o| o.is_open() && o.kind.is_license(), step);
    }

    /// Returns what happened since the last write and forgets it.
    pub fn take_facts(&mut self) -> Vec<WorkerFact> {
        std::mem::take(&mut self.facts)
    }

    /// Whether something happened since the last write.
    #[must_use]
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    fn step_where(
        &mut self,
        which: impl Fn(&Operation) -> bool,
        step: impl FnOnce(&mut Operation),
    ) {
        let Some(operation) = self.operations.iter_mut().find(|o| which(o)) else { return };
        let before = operation.clone();
        step(operation);
        if *operation != before {
            self.tell(WorkerFact::OperationChanged);
        }
    }

    fn begin(&mut self, operation: Operation) {
        self.operations.insert(0, operation);
        let mut ended = 0;
        self.operations.retain(|o| {
            ended += usize::from(!o.is_open());
            o.is_open() || ended <= KEPT_OPERATIONS
        });
        self.tell(WorkerFact::OperationChanged);
    }

    fn tell(&mut self, fact: WorkerFact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }
}

#[cfg(test)]
mod tests;
