//! `Compute` over EC2: paged sweeps, idempotency tokens.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    HttpTokensState, InstanceMetadataOptionsRequest, InstanceType, ResourceType, Tag,
    TagSpecification,
};
use ccm_domain::{Image, ImageQuery, Instance, InstanceId, Scope};
use ccm_ports::{Compute, LaunchOrder, RemoteError};
use futures_util::try_join;

use crate::clients::Pair;
use crate::convert::{self, Checks};
use crate::{Aws, convert::to_filter};

/// EC2 takes 200 values a filter and 100 ids a status call.
const MOST_IDS: usize = 100;

/// Images in one page.
const IMAGES: i32 = 1_000;

#[async_trait]
impl Compute for Aws {
    async fn sweep(&self, scope: &Scope) -> Result<Vec<Instance>, RemoteError> {
        let clients = self.clients.of(scope).await?;
        let (instances, checks) = try_join!(all_instances(&clients), all_checks(&clients))?;
        Ok(instances.into_iter().filter_map(|from| convert::instance(from, &checks)).collect())
    }

    async fn look(&self, scope: &Scope, ids: &[InstanceId]) -> Result<Vec<Instance>, RemoteError> {
        let clients = self.clients.of(scope).await?;
        let mut seen = Vec::with_capacity(ids.len());
        for ids in ids.chunks(MOST_IDS) {
            seen.extend(look_at(&clients, ids).await?);
        }
        Ok(seen)
    }

    async fn find_images(
        &self,
        scope: &Scope,
        query: &ImageQuery,
    ) -> Result<Vec<Image>, RemoteError> {
        let clients = self.clients.of(scope).await?;
        let mut request = clients.ec2.describe_images().max_results(IMAGES);
        // A filter, not `ImageIds`: an unknown id is then no error.
        if let Some(id) = &query.id {
            request = request.filters(to_filter("image-id", [id.to_string()]));
        }
        if let Some(name) = &query.name {
            request = request.filters(to_filter("name", [name.clone()]));
        }
        if query.id.is_none() && query.name.is_none() {
            // Without this AWS lists every public image there is.
            request = request.owners("self");
        }
        request = request.filters(to_filter("state", ["available".to_owned()]));
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = clients.ec2(request.clone().set_next_token(token).send()).await?;
            found.extend(page.images.unwrap_or_default().into_iter().filter_map(convert::image));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        found.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.name.cmp(&b.name)));
        Ok(found)
    }

    async fn launch(&self, scope: &Scope, order: &LaunchOrder) -> Result<Instance, RemoteError> {
        let clients = self.clients.of(scope).await?;
        // IMDSv2 only: a lab that is broken out of must not read the instance's role by a plain GET.
        let metadata = InstanceMetadataOptionsRequest::builder()
            .http_tokens(HttpTokensState::Required)
            .build();
        let groups = Some(order.security_groups.clone()).filter(|groups| !groups.is_empty());
        let request = clients
            .ec2
            .run_instances()
            .client_token(&order.token)
            .image_id(order.image.as_str())
            .instance_type(InstanceType::from(order.instance_type.as_str()))
            .min_count(1)
            .max_count(1)
            .set_subnet_id(order.subnet.clone())
            .set_security_group_ids(groups)
            .set_key_name(order.key_name.clone())
            .metadata_options(metadata)
            .set_tag_specifications(tagged(order));
        // Boxed: RunInstances has so many parameters that its future fills 30 KB of stack.
        let launched = clients.ec2(Box::pin(request.send())).await?;
        launched
            .instances
            .unwrap_or_default()
            .into_iter()
            .next()
            .and_then(|from| convert::instance(from, &Checks::new()))
            .ok_or_else(|| RemoteError::Unexpected("RunInstances without an instance".to_owned()))
    }

    async fn start(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        let clients = self.clients.of(scope).await?;
        clients.ec2(clients.ec2.start_instances().instance_ids(id.as_str()).send()).await?;
        Ok(())
    }

    async fn stop(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        let clients = self.clients.of(scope).await?;
        clients.ec2(clients.ec2.stop_instances().instance_ids(id.as_str()).send()).await?;
        Ok(())
    }

    async fn terminate(&self, scope: &Scope, id: &InstanceId) -> Result<(), RemoteError> {
        let clients = self.clients.of(scope).await?;
        let request = clients.ec2.terminate_instances().instance_ids(id.as_str());
        match clients.ec2(request.send()).await {
            Ok(_) | Err(RemoteError::NotFound(_)) => Ok(()),
            Err(err) => Err(err),
        }
    }

    async fn tag(
        &self,
        scope: &Scope,
        id: &InstanceId,
        set: &BTreeMap<String, String>,
        remove: &[String],
    ) -> Result<(), RemoteError> {
        let clients = self.clients.of(scope).await?;
        if !set.is_empty() {
            let tags = Some(convert::to_tags(set));
            let request = clients.ec2.create_tags().resources(id.as_str()).set_tags(tags);
            clients.ec2(request.send()).await?;
        }
        if !remove.is_empty() {
            // Without a value: EC2 then removes the tag whatever its value is.
            let keys = remove.iter().map(|key| Tag::builder().key(key).build()).collect();
            let request = clients.ec2.delete_tags().resources(id.as_str()).set_tags(Some(keys));
            clients.ec2(request.send()).await?;
        }
        Ok(())
    }

    async fn monitor(&self, scope: &Scope, id: &InstanceId, on: bool) -> Result<(), RemoteError> {
        let clients = self.clients.of(scope).await?;
        if on {
            clients.ec2(clients.ec2.monitor_instances().instance_ids(id.as_str()).send()).await?;
        } else {
            clients.ec2(clients.ec2.unmonitor_instances().instance_ids(id.as_str()).send()).await?;
        }
        Ok(())
    }
}

async fn all_instances(clients: &Pair) -> Result<Vec<aws_sdk_ec2::types::Instance>, RemoteError> {
    let request = clients.ec2.describe_instances().max_results(clients.page);
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let page = clients.ec2(request.clone().set_next_token(token).send()).await?;
        let reservations = page.reservations.unwrap_or_default();
        all.extend(reservations.into_iter().flat_map(|of| of.instances.unwrap_or_default()));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn all_checks(clients: &Pair) -> Result<Checks, RemoteError> {
    let request = clients
        .ec2
        .describe_instance_status()
        .include_all_instances(true)
        .max_results(clients.page);
    let mut all = Checks::new();
    let mut token = None;
    loop {
        let page = clients.ec2(request.clone().set_next_token(token).send()).await?;
        all.extend(
            page.instance_statuses.unwrap_or_default().into_iter().filter_map(convert::checks),
        );
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn look_at(clients: &Pair, ids: &[InstanceId]) -> Result<Vec<Instance>, RemoteError> {
    // A filter, not `InstanceIds`: one unknown id would spoil the whole call.
    let request =
        clients.ec2.describe_instances().filters(to_filter("instance-id", convert::to_ids(ids)));
    let page = clients.ec2_look(request.send()).await?;
    let reservations = page.reservations.unwrap_or_default();
    let found: Vec<_> =
        reservations.into_iter().flat_map(|of| of.instances.unwrap_or_default()).collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    // Status calls know no such filter, but these ids are known by now.
    let known: Vec<String> = found.iter().filter_map(|from| from.instance_id.clone()).collect();
    let request = clients
        .ec2
        .describe_instance_status()
        .include_all_instances(true)
        .set_instance_ids(Some(known));
    let checks: Checks = match clients.ec2_look(request.send()).await {
        Ok(page) => page
            .instance_statuses
            .unwrap_or_default()
            .into_iter()
            .filter_map(convert::checks)
            .collect(),
        // One was forgotten between the two calls; the next look shows it.
        Err(RemoteError::NotFound(_)) => Checks::new(),
        Err(err) => return Err(err),
    };
    Ok(found.into_iter().filter_map(|from| convert::instance(from, &checks)).collect())
}

/// Tags the volumes as well, so that what a worker costs can be found.
fn tagged(order: &LaunchOrder) -> Option<Vec<TagSpecification>> {
    if order.tags.is_empty() {
        return None;
    }
    let of = |kind: ResourceType| {
        let tags = Some(convert::to_tags(&order.tags));
        TagSpecification::builder().resource_type(kind).set_tags(tags).build()
    };
    Some(vec![of(ResourceType::Instance), of(ResourceType::Volume)])
}
