//! Labs: reading them with nodes and links, importing, downloading, acting on them.

use ccm_domain::LabId;
use ccm_domain::cml::{LabAction, LabSeen, LinkSeen, NodeSeen};
use ccm_ports::{Controller, RemoteError};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;

use crate::CmlClient;
use crate::exchange::Ask;
use crate::wire::{self, Readable};

pub(crate) async fn all(client: &CmlClient, at: &Controller) -> Result<Vec<LabSeen>, RemoteError> {
    let ask = Ask::get(client, &["labs"]).query(&[("show_all", "true")]);
    let ids: Vec<LabId> = client.ask(at, &ask, |answer| answer.json()).await?;
    let seen: Vec<Option<LabSeen>> = stream::iter(ids)
        .map(|id| async move {
            match one(client, at, &id).await {
                // Deleted since the list was read.
                Err(RemoteError::NotFound(_)) => Ok(None),
                seen => seen.map(Some),
            }
        })
        .buffered(client.inner.options.labs_at_once.max(1))
        .try_collect()
        .await?;
    Ok(seen.into_iter().flatten().collect())
}

pub(crate) async fn one(
    client: &CmlClient,
    at: &Controller,
    id: &LabId,
) -> Result<LabSeen, RemoteError> {
    let ask = Ask::get(client, &["labs", id.as_str()]);
    let lab: wire::Lab = client.ask(at, &ask, |answer| answer.json()).await?;
    let whole = [("data", "true"), ("exclude_configurations", "true")];
    let ask = Ask::get(client, &["labs", id.as_str(), "nodes"]).query(&whole);
    let nodes: Vec<Readable<wire::Node>> = client.ask(at, &ask, |answer| answer.json()).await?;
    let ask = Ask::get(client, &["labs", id.as_str(), "links"]).query(&whole[..1]);
    let links: Vec<Readable<wire::Link>> = client.ask(at, &ask, |answer| answer.json()).await?;
    Ok(LabSeen {
        id: id.clone(),
        title: lab.lab_title.unwrap_or_default(),
        description: lab.lab_description.unwrap_or_default(),
        state: wire::lab_state(lab.state.as_deref()),
        owner: lab.owner_username,
        created_at: lab.created.as_deref().and_then(wire::time),
        modified_at: lab.modified.as_deref().and_then(wire::time),
        nodes: nodes.into_iter().filter_map(Readable::into_option).map(node).collect(),
        links: links.into_iter().filter_map(Readable::into_option).filter_map(link).collect(),
    })
}

fn node(of: wire::Node) -> NodeSeen {
    NodeSeen {
        id: of.id,
        label: of.label.unwrap_or_default(),
        definition: of.node_definition.unwrap_or_default(),
        state: of.state.unwrap_or_default(),
        x: position(of.x),
        y: position(of.y),
    }
}

/// Positions are integers within ±15000; older versions write floats.
#[expect(clippy::cast_possible_truncation, reason = "clamped before")]
fn position(at: Option<f64>) -> i32 {
    at.unwrap_or(0.0).clamp(-1e6, 1e6) as i32
}

fn link(of: wire::Link) -> Option<LinkSeen> {
    Some(LinkSeen { a: of.node_a?, b: of.node_b? })
}

pub(crate) async fn import(
    client: &CmlClient,
    at: &Controller,
    yaml: &str,
) -> Result<LabId, RemoteError> {
    let limit = client.inner.options.timeouts.bulk;
    let ask = Ask::new(client, Method::POST, &["import"]).text(yaml).within(limit);
    let made: wire::Imported = client.ask(at, &ask, |answer| answer.json()).await?;
    for warning in &made.warnings.0 {
        tracing::info!(worker.id = %at.worker, lab.id = %made.id, "import: {warning}");
    }
    Ok(made.id)
}

pub(crate) async fn download(
    client: &CmlClient,
    at: &Controller,
    lab: &LabId,
) -> Result<String, RemoteError> {
    let limit = client.inner.options.timeouts.bulk;
    let ask = Ask::get(client, &["labs", lab.as_str(), "download"]).within(limit);
    client.ask(at, &ask, crate::exchange::Answer::into_text).await
}

pub(crate) async fn act(
    client: &CmlClient,
    at: &Controller,
    lab: &LabId,
    action: LabAction,
) -> Result<(), RemoteError> {
    let id = lab.as_str();
    let ask = match action {
        LabAction::Start => Ask::new(client, Method::PUT, &["labs", id, "start"]),
        LabAction::Stop => Ask::new(client, Method::PUT, &["labs", id, "stop"]),
        LabAction::Wipe => Ask::new(client, Method::PUT, &["labs", id, "wipe"]),
        LabAction::Delete => Ask::new(client, Method::DELETE, &["labs", id]),
    };
    let outcome = client.ask(at, &ask, |_| Ok(())).await;
    // There is no body that could be wrong: 400 is about the lab's state.
    if let Err(RemoteError::Invalid(text)) = outcome {
        return Err(RemoteError::Conflict(text));
    }
    outcome
}
