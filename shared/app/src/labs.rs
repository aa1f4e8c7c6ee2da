//! Labs as people ask for them, from our own store; wishes become commands.

use std::time::Duration;

use ccm_domain::cml::{LabAction, LabState};
use ccm_domain::lab::Answer;
use ccm_domain::{
    Actor, Command, CommandKind, CommandState, DomainError, Lab, LabId, OperationId, Permission,
    Worker,
};
use ccm_ports::{Filter, Page, Query, StoreError, Writer, lab_key};

use crate::{Fleet, FleetError, Result, WorkerRef};

/// A fetched file is given out again for this long; afterwards the lab may have changed.
const FILE_IS_FRESH: Duration = Duration::from_secs(60);

/// Which labs to list; what is empty does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabFilter {
    /// In one of these states.
    pub states: Vec<LabState>,
    /// Text in the id, title or owner.
    pub text: Option<String>,
}

/// A wish about a lab and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabAsked {
    /// The lab as it is since.
    pub lab: Lab,
    /// Whether it will be done, is under way, or is so.
    pub answer: Answer,
    /// The command that carries it out.
    pub command: Option<Command>,
}

/// A lab's file, or the command that fetches it.
#[derive(Clone, Debug, PartialEq)]
pub enum LabFile {
    /// The file.
    Here(String),
    /// It is being fetched.
    Asked(Box<Command>),
}

impl Fleet {
    /// Lists labs that are not gone, of the whole fleet or of one worker.
    ///
    /// # Errors
    /// When the actor may not read, or there is no such worker.
    pub async fn list_labs(
        &self,
        actor: &Actor,
        of: Option<&WorkerRef>,
        filter: &LabFilter,
        page: Query,
    ) -> Result<Page<Lab>> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        let mut query = page.is("removed", "false");
        if let Some(which) = of {
            query = query.is("worker", self.known(which).await?.id.to_string());
        }
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| word(*state).to_owned()).collect();
            query = query.and(Filter::In("state", states));
        }
        if let Some(text) = &filter.text {
            query = query.and(Filter::Contains("text", text.clone()));
        }
        Ok(self.stores.labs.list(&query).await?)
    }

    /// Returns a lab that is not gone, with its worker.
    ///
    /// # Errors
    /// When the actor may not read, or there is no such worker or lab.
    pub async fn find_lab(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        lab: &LabId,
    ) -> Result<(Worker, Lab)> {
        actor.must(Permission::Read).map_err(DomainError::from)?;
        let worker = self.known(which).await?;
        let found = self.stores.labs.find(&lab_key(worker.id, lab)).await?;
        let found = found.filter(|lab| lab.removed_at.is_none());
        Ok((worker, found.ok_or(FleetError::Store(StoreError::NotFound("lab")))?))
    }

    /// Asks for something to be done with a lab, if CML's order rules allow it.
    ///
    /// # Errors
    /// When the actor may not, the rules refuse, or the controller does not serve.
    pub async fn request_lab_action(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        lab: &LabId,
        action: LabAction,
        id: OperationId,
    ) -> Result<LabAsked> {
        actor.must(Permission::ControlLabs).map_err(DomainError::from)?;
        let (worker, lab) = self.find_lab(actor, which, lab).await?;
        let answer = lab.may(action)?;
        if answer != Answer::Accepted {
            let command = match lab.open_action() {
                Some(open) => self.stores.commands.find(&open.command.to_string()).await?,
                None => None,
            };
            return Ok(LabAsked { lab, answer, command });
        }
        worker.must_serve("do this with the lab")?;
        // The command first: an action without one would block the lab for ever.
        let kind = CommandKind::LabAction { worker: worker.id, lab: lab.id.clone(), action };
        let command = self.request_command(actor, kind, id).await?;
        let (by, now) = (actor.author(), self.clock.now());
        let request = |lab: &mut Lab| Ok(lab.request(id, action, &by, now)?);
        let labs = &self.stores.labs;
        match self.update(labs, &lab_key(worker.id, &lab.id), Writer::Intent, request).await {
            Ok((lab, answer)) => Ok(LabAsked { lab, answer, command: Some(command) }),
            Err(refused) => {
                self.withdraw(&command).await;
                Err(refused)
            }
        }
    }

    /// Asks for a lab to be made of a file.
    ///
    /// # Errors
    /// When the actor may not, the file is empty or too large, or the controller does not serve.
    pub async fn request_lab_import(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        yaml: String,
        id: OperationId,
    ) -> Result<Command> {
        actor.must(Permission::ControlLabs).map_err(DomainError::from)?;
        let worker = self.known(which).await?;
        worker.must_serve("import a lab")?;
        self.request_command(actor, CommandKind::ImportLab { worker: worker.id, yaml }, id).await
    }

    /// Asks for a look at a worker's labs now.
    ///
    /// # Errors
    /// When the actor may not, or the controller does not serve.
    pub async fn request_lab_refresh(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        id: OperationId,
    ) -> Result<Command> {
        actor.must(Permission::Refresh).map_err(DomainError::from)?;
        let worker = self.known(which).await?;
        worker.must_serve("look at its labs")?;
        self.request_command(actor, CommandKind::SyncLabs { worker: worker.id }, id).await
    }

    /// Returns a lab's file when it was saved or fetched a moment ago, else asks for it to be fetched.
    ///
    /// # Errors
    /// When the actor may not, there is no such lab, or its controller does not serve.
    pub async fn request_lab_file(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        lab: &LabId,
        id: OperationId,
    ) -> Result<LabFile> {
        actor.must(Permission::ControlLabs).map_err(DomainError::from)?;
        let (worker, lab) = self.find_lab(actor, which, lab).await?;
        if let Some(saved) = lab.saved_yaml {
            return Ok(LabFile::Here(saved));
        }
        let kind = CommandKind::DownloadLab { worker: worker.id, lab: lab.id };
        if let Some(fresh) = self.fresh_file(&kind).await? {
            return Ok(LabFile::Here(fresh));
        }
        worker.must_serve("fetch the lab's file")?;
        Ok(LabFile::Asked(Box::new(self.request_command(actor, kind, id).await?)))
    }

    /// Looks how far a fetch is: the command, with the file once it is done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lab_file_of(&self, command: OperationId) -> Result<(Command, Option<String>)> {
        let command = self.stores.commands.get(&command.to_string()).await?;
        let file = file_in(&command);
        Ok((command, file))
    }

    async fn fresh_file(&self, kind: &CommandKind) -> Result<Option<String>> {
        let Some(key) = kind.fold_key() else { return Ok(None) };
        let newest = Query::default().is("fold", key).by("asked", true).limit(1);
        let command = self.stores.commands.list(&newest).await?.items.pop();
        let now = self.clock.now();
        let is_fresh =
            |c: &Command| c.ended_at.is_some_and(|ended| now.since(ended) < FILE_IS_FRESH);
        Ok(command.filter(is_fresh).as_ref().and_then(file_in))
    }

    /// Ends a command that must not be carried out; one that a leader has taken up goes on.
    async fn withdraw(&self, command: &Command) {
        let now = self.clock.now();
        let fail = |c: &mut Command| {
            if c.state == CommandState::Queued {
                c.fail("another action on the lab was asked for first", now)?;
            }
            Ok(())
        };
        let commands = &self.stores.commands;
        if let Err(err) = self.update(commands, &command.id.to_string(), Writer::Intent, fail).await
        {
            tracing::warn!(
                error = &err as &dyn std::error::Error,
                "command {} could not be withdrawn",
                command.id
            );
        }
    }
}

/// Returns the file that a finished fetch brought, `{"yaml": …}` in its result.
fn file_in(command: &Command) -> Option<String> {
    let done = command.state == CommandState::Done;
    done.then(|| command.result.get("yaml")?.as_str().map(str::to_owned)).flatten()
}

const fn word(state: LabState) -> &'static str {
    match state {
        LabState::DefinedOnCore => "defined_on_core",
        LabState::Started => "started",
        LabState::Stopped => "stopped",
        LabState::Unknown => "unknown",
    }
}
