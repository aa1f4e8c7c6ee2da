//! Controllers → labs, and actions on labs.

use std::collections::HashSet;
use std::time::Duration;

use ccm_domain::cml::{LabAction, LabSeen};
use ccm_domain::{CommandState, Lab, LabId, OperationId, Worker, WorkerId};
use ccm_ports::{Controller, Query, RemoteError, StoreError, lab_key};

use super::{FleetOps, Report, controller};
use crate::{FleetError, Result};

/// A lab that did not change is noted as seen this often, so that quiet labs cost few writes.
const NOTE_SIGHT_EVERY: Duration = Duration::from_secs(900);

impl FleetOps {
    /// Merges what a controller says of its labs; those that it does not show any more have vanished.
    ///
    /// # Errors
    /// When the controller or the store cannot be asked.
    pub async fn refresh_labs(&self, worker: &Worker) -> Result<Report> {
        let mut report = Report::default();
        let Some(at) = worker.is_reachable().then(|| controller(worker)).flatten() else {
            return Ok(report);
        };
        let labs = self.remotes.cml.labs(&at).await?;
        let mut shown = HashSet::with_capacity(labs.len());
        for seen in &labs {
            shown.insert(seen.id.clone());
            report.count(if self.observe_lab(worker.id, seen).await? {
                "changed"
            } else {
                "unchanged"
            });
        }
        for lab in self.labs_of(worker.id).await? {
            if lab.removed_at.is_none() && !shown.contains(&lab.id) {
                self.vanish_lab(&lab).await?;
                report.count("vanished");
            }
            self.settle_action(&lab).await?;
        }
        let count = u32::try_from(labs.len()).unwrap_or(u32::MAX);
        self.with_worker(worker.id, |w| w.observe_labs(count)).await?;
        Ok(report)
    }

    /// Returns all labs that were ever seen on a worker and are not pruned.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn labs_of(&self, worker: WorkerId) -> Result<Vec<Lab>> {
        let mut query = Query::default().is("worker", worker.to_string());
        let mut all = Vec::new();
        loop {
            let page = self.fleet.stores.labs.list(&query).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Imports a topology and merges the new lab; returns its id.
    ///
    /// CML makes another lab each time. So when an earlier try may have got through (`again`), a lab that
    /// appeared meanwhile is taken for its outcome.
    ///
    /// # Errors
    /// When the worker does not serve, or the controller refuses the topology.
    pub async fn import_lab(&self, worker: WorkerId, yaml: &str, again: bool) -> Result<LabId> {
        let at = self.serving(worker).await?;
        let made = if again { self.lab_made_meanwhile(worker, &at).await? } else { None };
        let id = match made {
            Some(id) => id,
            None => self.remotes.cml.import_lab(&at, yaml).await?,
        };
        let seen = self.remotes.cml.lab(&at, &id).await?;
        self.observe_lab(worker, &seen).await?;
        Ok(id)
    }

    async fn lab_made_meanwhile(&self, worker: WorkerId, at: &Controller) -> Result<Option<LabId>> {
        let known: HashSet<LabId> =
            self.labs_of(worker).await?.into_iter().map(|lab| lab.id).collect();
        let shown = self.remotes.cml.labs(at).await?;
        let mut new = shown.into_iter().map(|lab| lab.id).filter(|id| !known.contains(id));
        match (new.next(), new.next()) {
            (Some(_), Some(_)) => {
                let text = "several labs appeared since the first try; look at them before another";
                Err(RemoteError::Conflict(text.to_owned()).into())
            }
            (made, _) => Ok(made),
        }
    }

    /// Returns a lab's topology as CML's YAML.
    ///
    /// # Errors
    /// When the worker does not serve, or the controller does not know the lab.
    pub async fn download_lab(&self, worker: WorkerId, lab: &LabId) -> Result<String> {
        let at = self.serving(worker).await?;
        Ok(self.remotes.cml.download_lab(&at, lab).await?)
    }

    /// Carries out the action that `command` asked for and merges what became of the lab.
    ///
    /// # Errors
    /// What the controller refuses with, after it was written into the lab.
    pub async fn act_on_lab(
        &self,
        command: OperationId,
        worker: WorkerId,
        lab: &LabId,
        action: LabAction,
    ) -> Result<()> {
        let at = self.serving(worker).await?;
        self.with_lab(worker, lab, |l| l.action_began(command)).await?;
        let done = match self.remotes.cml.act(&at, lab, action).await {
            Err(RemoteError::NotFound(_)) if action == LabAction::Delete => Ok(()),
            other => other,
        };
        let now = self.fleet.now();
        if let Err(err) = done {
            if !err.is_transient() {
                self.with_lab(worker, lab, |l| l.action_failed(command, &err.to_string(), now))
                    .await?;
            }
            return Err(err.into());
        }
        if action == LabAction::Delete {
            self.with_lab(worker, lab, |l| l.vanish(now)).await?;
            return Ok(());
        }
        let seen = self.remotes.cml.lab(&at, lab).await?;
        self.with_lab(worker, lab, |l| {
            l.observe(&seen, now);
            l.action_done(command, now);
        })
        .await?;
        Ok(())
    }

    /// Ends a lab's open action whose command has ended, or is gone: it would block the lab for ever.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle_action(&self, lab: &Lab) -> Result<()> {
        let Some(open) = lab.open_action() else { return Ok(()) };
        let (id, now) = (open.command, self.fleet.now());
        let command = self.fleet.stores.commands.find(&id.to_string()).await?;
        let failed = match &command {
            Some(command) if command.is_open() => return Ok(()),
            Some(command) if command.state == CommandState::Done => None,
            Some(command) => command.reason.clone().or(Some("it failed".to_owned())),
            // The API makes the command first, so there was one.
            None => Some("nobody carries it out any more".to_owned()),
        };
        self.with_lab(lab.worker, &lab.id, |l| match &failed {
            None => l.action_done(id, now),
            Some(reason) => l.action_failed(id, reason, now),
        })
        .await?;
        Ok(())
    }

    /// Saves the topology of every lab; the inner error is the controller's.
    pub(super) async fn save_all_labs(
        &self,
        worker: WorkerId,
        at: &Controller,
    ) -> Result<Result<usize, RemoteError>> {
        let labs = match self.remotes.cml.labs(at).await {
            Ok(labs) => labs,
            Err(err) => return Ok(Err(err)),
        };
        for seen in &labs {
            let yaml = match self.remotes.cml.download_lab(at, &seen.id).await {
                Ok(yaml) => yaml,
                Err(err) => return Ok(Err(err)),
            };
            self.observe_lab(worker, seen).await?;
            self.with_lab(worker, &seen.id, |l| l.save(yaml.clone())).await?;
        }
        Ok(Ok(labs.len()))
    }

    async fn serving(&self, worker: WorkerId) -> Result<Controller> {
        let worker = self.fleet.stores.workers.get(&worker.to_string()).await?;
        worker.is_reachable().then(|| controller(&worker)).flatten().ok_or_else(|| {
            RemoteError::Unavailable(format!("the controller of {} does not serve", worker.name))
                .into()
        })
    }

    async fn observe_lab(&self, worker: WorkerId, seen: &LabSeen) -> Result<bool> {
        let now = self.fleet.now();
        let key = lab_key(worker, &seen.id);
        let Some(known) = self.fleet.stores.labs.find(&key).await? else {
            let mut lab = Lab::new(worker, seen.clone(), now);
            return match self.fleet.insert(&self.fleet.stores.labs, &mut lab, self.writer()).await {
                // An older leader's insert may land late; what it saw is merged with the next look.
                Ok(()) | Err(FleetError::Store(StoreError::Taken(_))) => Ok(true),
                Err(err) => Err(err),
            };
        };
        let mut trial = known.clone();
        if !trial.observe(seen, now) && now.since(known.seen_at) < NOTE_SIGHT_EVERY {
            return Ok(false);
        }
        let (_, changed) = self.with_lab(worker, &seen.id, |l| l.observe(seen, now)).await?;
        Ok(changed)
    }

    async fn vanish_lab(&self, lab: &Lab) -> Result<()> {
        let now = self.fleet.now();
        self.with_lab(lab.worker, &lab.id, |l| l.vanish(now)).await?;
        Ok(())
    }

    async fn with_lab<R: Send>(
        &self,
        worker: WorkerId,
        lab: &LabId,
        mut transition: impl FnMut(&mut Lab) -> R + Send,
    ) -> Result<(Lab, R)> {
        let key = lab_key(worker, lab);
        let labs = &self.fleet.stores.labs;
        self.fleet.update(labs, &key, self.writer(), |l| Ok(transition(l))).await
    }
}
