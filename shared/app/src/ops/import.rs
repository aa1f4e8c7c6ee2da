//! Existing instances → workers: on request, and by the rules of the settings.

use std::collections::HashSet;

use ccm_domain::command::{ImportAnswer, ImportRequest, Imported, SkippedImport};
use ccm_domain::settings::ImportRule;
use ccm_domain::worker::Found;
use ccm_domain::{Author, ImageId, ImageQuery, Instance, InstanceState, Scope, Worker};
use ccm_ports::{Query, RemoteError, StoreError};

use super::{FleetOps, Report};
use crate::{FleetError, Result};

/// Name and controller address that a request gives, for one instance only.
type Names = (Option<String>, Option<String>);

impl FleetOps {
    /// Imports what a request names; the answer tells found, imported and skipped with reasons.
    ///
    /// # Errors
    /// When nothing matches, when several match a request for one, or AWS or the store fail.
    pub async fn import_requested(
        &self,
        request: &ImportRequest,
        by: &Author,
    ) -> Result<ImportAnswer> {
        let scope = Scope { account: request.account.clone(), region: request.region.clone() };
        let found = self.candidates(&scope, request).await?;
        if found.is_empty() {
            return Err(RemoteError::NotFound(format!("no instance matches in {scope}")).into());
        }
        if found.len() > 1 && !request.all {
            let text = format!("{} instances match; name one, or ask for all", found.len());
            return Err(RemoteError::Invalid(text).into());
        }
        let overrides = (request.name.clone(), request.cml_endpoint.clone());
        self.import_all(&scope, found, overrides, by).await
    }

    /// Imports what the rules of the settings name in a scope.
    ///
    /// # Errors
    /// When AWS or the store fail.
    pub async fn import_by_rules(&self, scope: &Scope, by: &Author) -> Result<Report> {
        let settings = self.settings().await?;
        let mut report = Report::default();
        let rules: Vec<&ImportRule> = settings
            .spec
            .import
            .rules
            .iter()
            .filter(|r| r.enabled && r.account == scope.account && r.region == scope.region)
            .collect();
        if rules.is_empty() {
            return Ok(report);
        }
        let seen = self.remotes.compute.sweep(scope).await?;
        let mut matching = Vec::new();
        for rule in rules {
            let images = self.images(scope, None, rule.image_name.as_deref()).await?;
            matching.extend(seen.iter().filter(|i| rule_takes(rule, images.as_ref(), i)).cloned());
        }
        let answer = self.import_all(scope, matching, (None, None), by).await?;
        report.add("found", u64::from(answer.found));
        report.add("imported", answer.imported.len() as u64);
        report.add("skipped", answer.skipped.len() as u64);
        Ok(report)
    }

    async fn candidates(&self, scope: &Scope, request: &ImportRequest) -> Result<Vec<Instance>> {
        if let Some(id) = &request.instance_id {
            return Ok(self.remotes.compute.look(scope, std::slice::from_ref(id)).await?);
        }
        let images =
            self.images(scope, request.image_id.clone(), request.image_name.as_deref()).await?;
        let seen = self.remotes.compute.sweep(scope).await?;
        let of_image = |i: &Instance| {
            images
                .as_ref()
                .is_some_and(|ids| i.image_id.as_ref().is_some_and(|id| ids.contains(id)))
        };
        Ok(seen.into_iter().filter(of_image).collect())
    }

    async fn images(
        &self,
        scope: &Scope,
        id: Option<ImageId>,
        name: Option<&str>,
    ) -> Result<Option<HashSet<ImageId>>> {
        if let Some(id) = id {
            return Ok(Some(HashSet::from([id])));
        }
        let Some(name) = name else { return Ok(None) };
        let query = ImageQuery { id: None, name: Some(name.to_owned()) };
        let found = self.remotes.compute.find_images(scope, &query).await?;
        Ok(Some(found.into_iter().map(|image| image.id).collect()))
    }

    async fn import_all(
        &self,
        scope: &Scope,
        found: Vec<Instance>,
        names: Names,
        by: &Author,
    ) -> Result<ImportAnswer> {
        let launching = self.launching(scope).await?;
        let mut answer = ImportAnswer::default();
        let mut done = HashSet::new();
        for instance in found {
            if !done.insert(instance.id.clone()) {
                continue;
            }
            answer.found += 1;
            let going =
                matches!(instance.state, InstanceState::Terminated | InstanceState::ShuttingDown);
            let ours = instance.client_token.as_ref().is_some_and(|t| launching.contains(t));
            let skipped = if going {
                Some("the instance is terminated")
            } else if ours {
                Some("the instance is being launched as a worker")
            } else {
                self.import_one(scope, &instance, names.clone(), by, &mut answer).await?
            };
            if let Some(reason) = skipped {
                let reason = reason.to_owned();
                answer.skipped.push(SkippedImport { instance_id: instance.id, reason });
            }
        }
        Ok(answer)
    }

    async fn import_one(
        &self,
        scope: &Scope,
        instance: &Instance,
        names: Names,
        by: &Author,
        answer: &mut ImportAnswer,
    ) -> Result<Option<&'static str>> {
        let now = self.fleet.now();
        let id = self.fleet.new_worker_id();
        let found = Found { scope: scope.clone(), instance, name: names.0, endpoint: names.1 };
        let mut worker = Worker::import(id, found, by.clone(), now);
        let template = self.remotes.endpoint.expand(scope, instance);
        worker.observe_instance(instance, template, now);
        match self.fleet.insert(&self.fleet.stores.workers, &mut worker, self.writer()).await {
            Ok(()) => {
                answer.imported.push(Imported { instance_id: instance.id.clone(), worker: id });
                Ok(None)
            }
            Err(FleetError::Store(StoreError::Taken(_))) => Ok(Some("it is a worker already")),
            Err(err) => Err(err),
        }
    }

    /// Returns the tokens of launches under way, whose instances are workers already.
    async fn launching(&self, scope: &Scope) -> Result<HashSet<String>> {
        let query = Query::default().is("scope", scope.to_string()).is("open", "true");
        let workers = self.all_workers(query).await?;
        Ok(workers.iter().filter_map(|w| w.open_power().map(|o| o.id.to_string())).collect())
    }
}

fn rule_takes(rule: &ImportRule, images: Option<&HashSet<ImageId>>, instance: &Instance) -> bool {
    let by_image =
        images.is_none_or(|ids| instance.image_id.as_ref().is_some_and(|id| ids.contains(id)));
    let by_tag = rule.tag.as_ref().is_none_or(|key| {
        let value = instance.tags.get(key);
        value.is_some() && (rule.tag_value.is_none() || value == rule.tag_value.as_ref())
    });
    by_image && by_tag
}
