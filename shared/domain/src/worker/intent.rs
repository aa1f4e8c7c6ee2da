//! What operators, and the idle policy, ask of a worker.

use super::{
    InstanceFacts, Operation, OperationKind, Origin, Power, Spec, Status, Worker, WorkerFact,
    WorkerState,
};
use crate::{
    Author, DomainError, Instance, InstanceState, OperationId, Scope, Timestamp, WorkerId,
};

/// A worker to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWorker {
    /// Name.
    pub name: String,
    /// Account and region.
    pub scope: Scope,
    /// What is wanted; `power` is set to on.
    pub spec: Spec,
}

/// An instance that is to become a worker.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// Account and region.
    pub scope: Scope,
    /// The instance.
    pub instance: &'a Instance,
    /// A name for it; otherwise its `Name` tag, else its id.
    pub name: Option<String>,
    /// Address of its controller when it is not the fleet's template.
    pub endpoint: Option<String>,
}

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// An operation was begun.
    Begun(OperationId),
    /// An operation to the same end is under way already.
    UnderWay(OperationId),
    /// It is so already.
    AlreadySo,
}

impl Worker {
    /// Makes a worker whose instance is yet to be launched under the operation's id.
    #[must_use]
    pub fn create(
        id: WorkerId,
        order: NewWorker,
        op: OperationId,
        by: Author,
        now: Timestamp,
    ) -> Self {
        let spec = Spec { power: Power::On, ..order.spec };
        let order = NewWorker { spec, ..order };
        let mut worker = Self::bare(id, order, Origin::Created, by.clone(), now);
        worker.tell(WorkerFact::Created);
        worker.begin(Operation::begin(op, OperationKind::Create, by, now));
        worker.restage(now);
        worker
    }

    /// Makes a worker of an instance that exists. The caller keeps terminated ones out.
    #[must_use]
    pub fn import(id: WorkerId, found: Found<'_>, by: Author, now: Timestamp) -> Self {
        let instance = found.instance;
        let own_name = || instance.name().map(str::to_owned);
        let name = found.name.or_else(own_name).unwrap_or_else(|| instance.id.to_string());
        let spec = Spec {
            power: match instance.state {
                InstanceState::Stopped | InstanceState::Stopping => Power::Off,
                InstanceState::Pending
                | InstanceState::Running
                | InstanceState::ShuttingDown
                | InstanceState::Terminated
                | InstanceState::Unknown => Power::On,
            },
            endpoint: found.endpoint,
            ..Spec::default()
        };
        let order = NewWorker { name, scope: found.scope, spec };
        let mut worker = Self::bare(id, order, Origin::Imported, by, now);
        worker.status.state = WorkerState::from_instance(instance.state);
        worker.status.state_reason.clone_from(&instance.state_reason);
        worker.status.instance = Some(InstanceFacts::of(instance, None));
        worker.status.tags.clone_from(&instance.tags);
        worker.status.seen_at = Some(now);
        worker.tell(WorkerFact::Imported);
        worker.restage(now);
        worker
    }

    fn bare(id: WorkerId, order: NewWorker, origin: Origin, by: Author, now: Timestamp) -> Self {
        let status = Status { state_since: now, service_since: now, ..Status::default() };
        Self {
            id,
            rev: 1,
            name: order.name,
            scope: order.scope,
            origin,
            spec: order.spec,
            spec_rev: 1,
            status,
            operations: Vec::new(),
            created_at: now,
            created_by: by,
            updated_at: now,
            removed_at: None,
            facts: Vec::new(),
        }
    }

    /// Asks for the instance to run.
    ///
    /// # Errors
    /// When the instance is gone, going, or was never made.
    pub fn request_start(
        &mut self,
        op: OperationId,
        by: Author,
        now: Timestamp,
    ) -> Result<Wish, DomainError> {
        self.must_have_instance("start")?;
        if let Some(open) = self.open_power() {
            match open.kind {
                OperationKind::Create | OperationKind::Start => return Ok(Wish::UnderWay(open.id)),
                OperationKind::Terminate => return Err(going("start")),
                OperationKind::Stop => self.step_power(|o| o.cancel("a start was asked for", now)),
                OperationKind::RegisterLicense | OperationKind::DeregisterLicense => {}
            }
        } else if matches!(self.status.state, WorkerState::Running | WorkerState::Starting) {
            self.want_power(Power::On, now);
            return Ok(Wish::AlreadySo);
        }
        self.want_power(Power::On, now);
        self.begin(Operation::begin(op, OperationKind::Start, by, now));
        Ok(Wish::Begun(op))
    }

    /// Asks for the instance to stop, its disks kept.
    ///
    /// # Errors
    /// When the instance is gone, going, or was never made.
    pub fn request_stop(
        &mut self,
        op: OperationId,
        by: Author,
        now: Timestamp,
    ) -> Result<Wish, DomainError> {
        self.must_have_instance("stop")?;
        if self.status.state == WorkerState::Pending {
            // A launch that is canceled half-way could leave an instance that nobody knows.
            return Err(DomainError::not_possible(
                "operation_under_way",
                "cannot stop: the instance is being launched; wait until it exists, or terminate the worker",
            ));
        }
        if let Some(open) = self.open_power() {
            match open.kind {
                OperationKind::Stop => return Ok(Wish::UnderWay(open.id)),
                OperationKind::Terminate => return Err(going("stop")),
                OperationKind::Create | OperationKind::Start => {
                    self.step_power(|o| o.cancel("a stop was asked for", now));
                }
                OperationKind::RegisterLicense | OperationKind::DeregisterLicense => {}
            }
        } else if matches!(self.status.state, WorkerState::Stopped | WorkerState::Stopping) {
            self.want_power(Power::Off, now);
            return Ok(Wish::AlreadySo);
        }
        self.step_license(|o| {
            o.fail("the worker is being stopped", Some("start it and ask again"), now)
        });
        self.want_power(Power::Off, now);
        self.begin(Operation::begin(op, OperationKind::Stop, by, now));
        Ok(Wish::Begun(op))
    }

    /// Asks for the instance to be terminated, the licence given back and the labs saved first.
    ///
    /// `force` goes on where the controller or the licence server does not answer.
    ///
    /// # Errors
    /// When there is nothing to terminate.
    pub fn request_terminate(
        &mut self,
        op: OperationId,
        force: bool,
        by: Author,
        now: Timestamp,
    ) -> Result<Wish, DomainError> {
        if self.status.state == WorkerState::Terminated {
            return Ok(Wish::AlreadySo);
        }
        if let Some(open) = self.open_power() {
            if open.kind == OperationKind::Terminate {
                let id = open.id;
                self.step_power(|o| o.force |= force);
                return Ok(Wish::UnderWay(id));
            }
            self.step_power(|o| o.cancel("a termination was asked for", now));
        }
        self.step_license(|o| o.cancel("a termination was asked for", now));
        self.want_power(Power::Gone, now);
        self.status.terminated_by = Some(by.clone());
        let mut operation = Operation::begin(op, OperationKind::Terminate, by, now);
        operation.force = force;
        self.begin(operation);
        Ok(Wish::Begun(op))
    }

    /// Asks for the licence to be registered with the token kept under `secret`.
    ///
    /// # Errors
    /// When the controller does not serve, or another licence operation is under way.
    pub fn request_license(
        &mut self,
        op: OperationId,
        secret: String,
        reregister: bool,
        by: Author,
        now: Timestamp,
    ) -> Result<Wish, DomainError> {
        self.must_serve("register a licence")?;
        self.must_have_no_license_operation()?;
        if self.status.license.holds_seat() && !reregister {
            return Ok(Wish::AlreadySo);
        }
        let mut operation = Operation::begin(op, OperationKind::RegisterLicense, by, now);
        operation.secret = Some(secret);
        operation.reregister = reregister;
        self.begin(operation);
        Ok(Wish::Begun(op))
    }

    /// Asks for the licence to be given back.
    ///
    /// # Errors
    /// When the controller does not serve, or another licence operation is under way.
    pub fn request_deregister(
        &mut self,
        op: OperationId,
        by: Author,
        now: Timestamp,
    ) -> Result<Wish, DomainError> {
        self.must_serve("deregister the licence")?;
        self.must_have_no_license_operation()?;
        self.begin(Operation::begin(op, OperationKind::DeregisterLicense, by, now));
        Ok(Wish::Begun(op))
    }

    /// Forgets the worker; the instance is left as it is.
    pub fn remove(&mut self, by: Author, now: Timestamp) {
        if self.removed_at.is_none() {
            self.removed_at = Some(now);
            self.updated_at = now;
            self.tell(WorkerFact::Removed { by });
        }
    }

    fn want_power(&mut self, power: Power, now: Timestamp) {
        self.respec(now, |spec| spec.power = power);
    }

    pub(super) fn respec(&mut self, now: Timestamp, change: impl FnOnce(&mut Spec)) {
        let before = self.spec.clone();
        change(&mut self.spec);
        if self.spec != before {
            self.bump_spec(now);
        }
    }

    pub(super) fn bump_spec(&mut self, now: Timestamp) {
        self.spec_rev += 1;
        self.updated_at = now;
        self.tell(WorkerFact::SpecChanged);
    }

    fn must_have_instance(&self, verb: &str) -> Result<(), DomainError> {
        match self.status.state {
            WorkerState::Terminated | WorkerState::Terminating => Err(going(verb)),
            WorkerState::Failed => Err(DomainError::not_possible(
                "never_created",
                format!(
                    "cannot {verb}: the instance could not be made; remove this worker and create another"
                ),
            )),
            WorkerState::Pending
            | WorkerState::Starting
            | WorkerState::Running
            | WorkerState::Stopping
            | WorkerState::Stopped
            | WorkerState::Missing
            | WorkerState::Unknown => Ok(()),
        }
    }

    /// Insists that the controller can be asked for something; `verb` completes "cannot …".
    ///
    /// # Errors
    /// [`DomainError::NotPossible`] when it does not serve.
    pub fn must_serve(&self, verb: &str) -> Result<(), DomainError> {
        if self.is_reachable() {
            return Ok(());
        }
        Err(DomainError::not_possible(
            "not_serving",
            format!(
                "cannot {verb}: the controller does not serve; start the worker and wait until it is available"
            ),
        ))
    }

    fn must_have_no_license_operation(&self) -> Result<(), DomainError> {
        if self.open_license().is_some() {
            return Err(DomainError::not_possible(
                "license_operation_under_way",
                "another licence operation is under way; wait until it has ended",
            ));
        }
        Ok(())
    }
}

fn going(verb: &str) -> DomainError {
    DomainError::not_possible("terminated", format!("cannot {verb}: the instance is gone or going"))
}
