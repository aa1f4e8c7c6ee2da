//! Commands: durable wishes for the scheduler, folded and throttled per key in the store.

use ccm_domain::command::ImportRequest;
use ccm_domain::{
    Actor, Command, CommandKind, CommandState, DomainError, OperationId, Permission, RunState,
    Timestamp, WorkerState,
};
use ccm_ports::{Chime, Filter, Query, StoreError, Writer};

use crate::{Fleet, FleetError, Result, WorkerRef};

/// How often a command is asked for while others of its key come and go.
const MOST_ROUNDS: usize = 5;

impl Fleet {
    /// Asks for a look at a worker now.
    ///
    /// # Errors
    /// When the actor may not, there is no such worker, or its instance is gone for good.
    pub async fn request_refresh(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        id: OperationId,
    ) -> Result<Command> {
        actor.must(Permission::Refresh).map_err(DomainError::from)?;
        let worker = self.known(which).await?;
        if worker.state() == WorkerState::Terminated {
            let detail = "the instance is gone, so there is nothing to look at";
            return Err(DomainError::not_possible("terminated", detail).into());
        }
        self.request_command(actor, CommandKind::RefreshWorker { worker: worker.id }, id).await
    }

    /// Asks for workers to be made of instances that exist; an equal request that waits already is joined.
    ///
    /// # Errors
    /// When the actor may not, or the request contradicts itself.
    pub async fn request_import(
        &self,
        actor: &Actor,
        request: ImportRequest,
        id: OperationId,
    ) -> Result<Command> {
        actor.must(Permission::ImportWorkers).map_err(DomainError::from)?;
        self.request_command(actor, CommandKind::ImportInstances { request }, id).await
    }

    /// Records a command, or returns the one of the same key that is open already.
    ///
    /// Repeating it with the same id returns what the first call made. The caller has checked the actor.
    pub(crate) async fn request_command(
        &self,
        actor: &Actor,
        kind: CommandKind,
        id: OperationId,
    ) -> Result<Command> {
        let commands = &self.stores.commands;
        let key = kind.fold_key();
        for _ in 0..MOST_ROUNDS {
            let last = match &key {
                Some(key) => {
                    if let Some(open) = self.open_command(key, &kind).await? {
                        return Ok(open);
                    }
                    self.last_done(key).await?
                }
                None => None,
            };
            let now = self.clock.now();
            let mut command = Command::new(id, kind.clone(), &actor.author(), last, now)?;
            match self.insert(commands, &mut command, Writer::Intent).await {
                Ok(()) => {
                    self.bell.ring(Chime::Commands).await;
                    return Ok(command);
                }
                Err(FleetError::Store(StoreError::Taken(_))) => {
                    if let Some(made) = commands.find(&id.to_string()).await? {
                        return Ok(made);
                    }
                }
                Err(err) => return Err(err),
            }
        }
        Err(FleetError::Contended("command"))
    }

    /// Returns the open command that serves whoever asks for the same now.
    async fn open_command(&self, key: &str, kind: &CommandKind) -> Result<Option<Command>> {
        let open = [CommandState::Queued, CommandState::Claimed].map(|s| s.name().to_owned());
        let query = Query::default().is("fold", key).and(Filter::In("state", open.to_vec()));
        let newest = query.by("asked", true).limit(1);
        let command = self.stores.commands.list(&newest).await?.items.pop();
        let Some(command) = command else { return Ok(None) };
        let serves = kind.serves_when_begun() || !self.has_begun(&command).await?;
        Ok(serves.then_some(command))
    }

    /// Whether a command is not merely in line any more. One that is claimed still waits for its run's turn.
    async fn has_begun(&self, command: &Command) -> Result<bool> {
        let run = self.stores.runs.find(&command.id.to_string()).await?;
        Ok(run.is_some_and(|run| run.state != RunState::Queued))
    }

    /// Returns when the newest command of a key was taken up.
    async fn last_done(&self, fold_key: &str) -> Result<Option<Timestamp>> {
        let newest = Query::default().is("fold", fold_key).by("asked", true).limit(1);
        let command = self.stores.commands.list(&newest).await?.items.pop();
        Ok(command.and_then(|command| command.ended_at.or(command.claimed_at)))
    }
}
