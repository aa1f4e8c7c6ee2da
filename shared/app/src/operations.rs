//! Long actions in one list, wherever they are kept: those of a worker in its document, all others as commands.

use ccm_domain::worker::{Operation, OperationState};
use ccm_domain::{
    Actor, Command, CommandState, DomainError, OperationId, Permission, Timestamp, WorkerId,
};
use ccm_ports::{Cursor, Page, Query, StoreError, sortable};

use crate::{Fleet, FleetError, Result, WorkerRef};

/// How far an operation of either kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Waits for its turn.
    Queued,
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// Ended without success.
    Failed,
    /// Replaced by a later wish.
    Canceled,
}

/// A long action.
#[derive(Clone, Debug, PartialEq)]
pub enum LongAction {
    /// Of a worker: create, start, stop, terminate, licence.
    OfWorker(WorkerId, Box<Operation>),
    /// Everything else.
    Command(Box<Command>),
}

/// Which operations to list; what is empty does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// About this worker.
    pub worker: Option<WorkerRef>,
    /// This far.
    pub progress: Option<Progress>,
}

impl LongAction {
    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> OperationId {
        match self {
            Self::OfWorker(_, operation) => operation.id,
            Self::Command(command) => command.id,
        }
    }

    /// Returns when it was asked for.
    #[must_use]
    pub fn asked_at(&self) -> Timestamp {
        match self {
            Self::OfWorker(_, operation) => operation.started_at,
            Self::Command(command) => command.asked_at,
        }
    }

    /// Returns how far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self {
            Self::OfWorker(_, operation) => match operation.state {
                OperationState::Running => Progress::Running,
                OperationState::Succeeded => Progress::Succeeded,
                OperationState::Failed => Progress::Failed,
                OperationState::Canceled => Progress::Canceled,
            },
            Self::Command(command) => match command.state {
                CommandState::Queued => Progress::Queued,
                CommandState::Claimed => Progress::Running,
                CommandState::Done => Progress::Succeeded,
                CommandState::Failed => Progress::Failed,
            },
        }
    }

    fn place(&self) -> (String, String) {
        (sortable(self.asked_at()), self.id().to_string())
    }
}

impl Fleet {
    /// Returns a long action.
    ///
    /// # Errors
    /// When the actor may not read, or there is none.
    pub async fn find_operation(&self, actor: &Actor, id: OperationId) -> Result<LongAction> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        if let Some(command) = self.stores.commands.find(&id.to_string()).await? {
            return Ok(LongAction::Command(Box::new(command)));
        }
        let holder = Query::default().is("operation", id.to_string()).limit(1);
        let worker = self.stores.workers.list(&holder).await?.items.pop();
        let found = worker.and_then(|worker| {
            let operation = worker.operation(id)?.clone();
            Some(LongAction::OfWorker(worker.id, Box::new(operation)))
        });
        found.ok_or(FleetError::Store(StoreError::NotFound("operation")))
    }

    /// Lists long actions, newest first.
    ///
    /// Reads the document of every worker that may hold one: meant for people, not for polling.
    ///
    /// # Errors
    /// When the actor may not read, or there is no such worker.
    pub async fn list_operations(
        &self,
        actor: &Actor,
        filter: &OperationFilter,
        limit: u32,
        after: Option<Cursor>,
    ) -> Result<Page<LongAction>> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        let worker = match &filter.worker {
            Some(which) => Some(self.known(which).await?.id),
            None => None,
        };
        let mut all = self.of_workers(worker, filter.progress).await?;
        let commands = self.of_commands(worker, filter.progress, limit, after.clone()).await?;
        let more_commands = commands.next.is_some();
        let wrap = |command| LongAction::Command(Box::new(command));
        all.extend(commands.items.into_iter().map(wrap));
        all.retain(|action| {
            filter.progress.is_none_or(|progress| action.progress() == progress)
                && after.as_ref().is_none_or(|end| action.place() < place_of(end))
        });
        all.sort_by_key(|action| std::cmp::Reverse(action.place()));
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = all.len() > wanted || more_commands;
        all.truncate(wanted);
        let last = all.last().filter(|_| more).map(LongAction::place);
        Ok(Page { items: all, next: last.map(|(value, key)| Cursor { value, key }) })
    }

    async fn of_workers(
        &self,
        worker: Option<WorkerId>,
        progress: Option<Progress>,
    ) -> Result<Vec<LongAction>> {
        if let Some(id) = worker {
            let worker = self.stores.workers.get(&id.to_string()).await?;
            let wrap = |o| LongAction::OfWorker(id, Box::new(o));
            return Ok(worker.operations.into_iter().map(wrap).collect());
        }
        let mut query = Query::default().is("removed", "false");
        if progress == Some(Progress::Running) {
            query = query.is("open", "true");
        }
        let mut all = Vec::new();
        loop {
            let page = self.stores.workers.list(&query).await?;
            for worker in page.items {
                let wrap = |o| LongAction::OfWorker(worker.id, Box::new(o));
                all.extend(worker.operations.into_iter().map(wrap));
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn of_commands(
        &self,
        worker: Option<WorkerId>,
        progress: Option<Progress>,
        limit: u32,
        after: Option<Cursor>,
    ) -> Result<Page<Command>> {
        let state = match progress {
            None => None,
            Some(Progress::Queued) => Some(CommandState::Queued),
            Some(Progress::Running) => Some(CommandState::Claimed),
            Some(Progress::Succeeded) => Some(CommandState::Done),
            Some(Progress::Failed) => Some(CommandState::Failed),
            Some(Progress::Canceled) => return Ok(Page { items: Vec::new(), next: None }),
        };
        let mut query = Query::default().by("asked", true).limit(limit).after(after);
        if let Some(state) = state {
            query = query.is("state", state.name());
        }
        if let Some(worker) = worker {
            query = query.is("worker", worker.to_string());
        }
        Ok(self.stores.commands.list(&query).await?)
    }
}

fn place_of(cursor: &Cursor) -> (String, String) {
    (cursor.value.clone(), cursor.key.clone())
}
