//! Lab routes.

use axum::Json as Out;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use ccm_testkit::lab_host::labs::lab_state_word;
use ccm_testkit::lab_host::{Host, Refusal, definitions, topology};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::answer::{Answer, Json, Query, Text, json_ok};
use crate::lab_views as views;
use crate::site::{Caller, id};

fn lab_id(text: &str) -> Result<Uuid, Refusal> {
    id("Lab", text)
}

#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    #[serde(default)]
    show_all: bool,
}

/// `GET /labs`: ids only.
pub(crate) async fn list(caller: Caller, Query(query): Query<ListQuery>) -> Answer<Out<Vec<Uuid>>> {
    let all = query.show_all && caller.is_admin;
    let ids = caller.visit(|host, _| {
        let mine = host.labs().iter().filter(|lab| all || lab.owner == caller.user);
        Ok(mine.map(|lab| lab.id).collect())
    })?;
    Ok(Out(ids))
}

/// `LabCreate`, and what `PATCH` changes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LabBody {
    title: Option<String>,
    owner: Option<Uuid>,
    description: Option<String>,
    notes: Option<String>,
    #[serde(rename = "groups")]
    _groups: Value,
    #[serde(rename = "associations")]
    _associations: Value,
    #[serde(rename = "autostart")]
    _autostart: Value,
    #[serde(rename = "node_staging")]
    _node_staging: Value,
}

impl LabBody {
    fn apply(self, host: &mut Host, lab: Uuid) -> Result<(), Refusal> {
        let is_titled = self
            .title
            .as_ref()
            .is_none_or(|title| (1..=topology::LONGEST_TITLE).contains(&title.chars().count()));
        if !is_titled {
            return Err(Refusal::invalid("title must have 1 to 64 characters"));
        }
        let lab = host.lab_mut(lab)?;
        let Self { title, owner, description, notes, .. } = self;
        lab.title = title.unwrap_or_else(|| lab.title.clone());
        lab.description = description.unwrap_or_else(|| lab.description.clone());
        lab.notes = notes.unwrap_or_else(|| lab.notes.clone());
        lab.owner = owner.unwrap_or(lab.owner);
        Ok(())
    }
}

/// `POST /labs`.
pub(crate) async fn create(caller: Caller, Json(body): Json<LabBody>) -> Answer {
    let newer = caller.site.is_at_least(10);
    json_ok(caller.visit(|host, now| {
        let lab = host.create_lab(body.title.as_deref(), caller.user, now)?;
        body.apply(host, lab)?;
        Ok(views::lab(host, host.lab(lab)?, newer, now))
    })?)
}

/// `GET /labs/{id}`.
pub(crate) async fn show(caller: Caller, Path(lab): Path<String>) -> Answer {
    let newer = caller.site.is_at_least(10);
    json_ok(caller.visit(|host, now| Ok(views::lab(host, host.lab(lab_id(&lab)?)?, newer, now)))?)
}

/// `PATCH /labs/{id}`.
pub(crate) async fn change(
    caller: Caller,
    Path(lab): Path<String>,
    Json(body): Json<LabBody>,
) -> Answer {
    let newer = caller.site.is_at_least(10);
    json_ok(caller.visit(|host, now| {
        let lab = lab_id(&lab)?;
        body.apply(host, lab)?;
        host.lab_mut(lab)?.modified = now;
        Ok(views::lab(host, host.lab(lab)?, newer, now))
    })?)
}

/// `DELETE /labs/{id}`.
pub(crate) async fn delete(caller: Caller, Path(lab): Path<String>) -> Answer<StatusCode> {
    caller.visit(|host, now| host.delete_lab(lab_id(&lab)?, now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /labs/{id}/start`.
pub(crate) async fn start(caller: Caller, Path(lab): Path<String>) -> Answer<StatusCode> {
    caller.visit(|host, now| host.start_lab(lab_id(&lab)?, caller.user, now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /labs/{id}/stop`.
pub(crate) async fn stop(caller: Caller, Path(lab): Path<String>) -> Answer<StatusCode> {
    caller.visit(|host, now| host.stop_lab(lab_id(&lab)?, caller.user, now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /labs/{id}/wipe`.
pub(crate) async fn wipe(caller: Caller, Path(lab): Path<String>) -> Answer<StatusCode> {
    caller.visit(|host, now| host.wipe_lab(lab_id(&lab)?, caller.user, now))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /labs/{id}/bootstrap`: writes no configuration, but says so politely.
pub(crate) async fn bootstrap(caller: Caller, Path(lab): Path<String>) -> Answer<StatusCode> {
    caller.visit(|host, _| host.lab(lab_id(&lab)?).map(|_| ()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /labs/{id}/state`: a bare string.
pub(crate) async fn state(caller: Caller, Path(lab): Path<String>) -> Answer<Out<&'static str>> {
    let state = caller.visit(|host, now| Ok(host.lab(lab_id(&lab)?)?.state(now)))?;
    Ok(Out(lab_state_word(state)))
}

/// `GET /labs/{id}/check_if_converged`: a bare boolean.
pub(crate) async fn converged(caller: Caller, Path(lab): Path<String>) -> Answer<Out<bool>> {
    Ok(Out(caller.visit(|host, now| Ok(host.lab(lab_id(&lab)?)?.has_converged(now)))?))
}

#[derive(Debug, Deserialize)]
pub(crate) struct TopologyQuery {
    exclude_configurations: Option<bool>,
}

/// `GET /labs/{id}/topology`.
pub(crate) async fn topology_of(
    caller: Caller,
    Path(lab): Path<String>,
    Query(query): Query<TopologyQuery>,
) -> Answer {
    let (newer, bare) = (caller.site.is_at_least(10), query.exclude_configurations == Some(true));
    json_ok(
        caller
            .visit(|host, now| Ok(views::topology(host.lab(lab_id(&lab)?)?, bare, newer, now)))?,
    )
}

/// `GET /labs/{id}/download`: YAML.
pub(crate) async fn download(caller: Caller, Path(lab): Path<String>) -> Answer<impl IntoResponse> {
    let text = caller.visit(|host, now| host.download_lab(lab_id(&lab)?, caller.user, now))?;
    Ok(([(CONTENT_TYPE, "application/x-yaml")], text))
}

/// `GET /labs/{id}/lab_element_state`.
pub(crate) async fn element_states(caller: Caller, Path(lab): Path<String>) -> Answer {
    json_ok(caller.visit(|host, now| Ok(views::element_states(host.lab(lab_id(&lab)?)?, now)))?)
}

/// `GET /labs/{id}/simulation_stats`.
pub(crate) async fn simulation_stats(caller: Caller, Path(lab): Path<String>) -> Answer {
    json_ok(caller.visit(|host, now| Ok(views::simulation_stats(host.lab(lab_id(&lab)?)?, now)))?)
}

/// `GET /labs/{id}/tile`.
pub(crate) async fn tile(caller: Caller, Path(lab): Path<String>) -> Answer {
    let newer = caller.site.is_at_least(10);
    json_ok(caller.visit(|host, now| Ok(views::tile(host, host.lab(lab_id(&lab)?)?, newer, now)))?)
}

/// `GET /labs/{id}/layer3_addresses`: one address for each booted machine's connected port.
pub(crate) async fn layer3_addresses(caller: Caller, Path(lab): Path<String>) -> Answer {
    json_ok(caller.visit(|host, now| {
        let lab = host.lab(lab_id(&lab)?)?;
        let booted = lab
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.kind().is_machine() && node.state(now).word() == "BOOTED");
        let nodes = booted.map(|(n, node)| {
            let ports = node.ports.iter().enumerate().map(|(p, port)| {
                let mac = format!("52:54:00:{:02x}:{:02x}:{p:02x}", n / 256, n % 256);
                let ip = format!("10.{}.{}.{}", n / 200, n % 200, p + 1);
                (mac, json!({ "id": port.id, "label": port.label, "ip4": [ip], "ip6": [] }))
            });
            let ports: Map<_, _> = ports.collect();
            (node.id.to_string(), json!({ "name": node.label, "interfaces": ports }))
        });
        Ok(Value::Object(nodes.collect()))
    })?)
}

/// Lists that a lab has in this model but that are always empty: events, resource pools.
pub(crate) async fn nothing(caller: Caller, Path(lab): Path<String>) -> Answer {
    json_ok(caller.visit(|host, _| host.lab(lab_id(&lab)?).map(|_| json!([])))?)
}

/// `GET /populate_lab_tiles`.
pub(crate) async fn tiles(caller: Caller) -> Answer {
    let newer = caller.site.is_at_least(10);
    json_ok(caller.visit(|host, now| {
        let tiles: Map<_, _> = host
            .labs()
            .iter()
            .map(|lab| (lab.id.to_string(), views::tile(host, lab, newer, now)))
            .collect();
        Ok(json!({ "lab_tiles": tiles }))
    })?)
}

#[derive(Debug, Deserialize)]
pub(crate) struct ImportQuery {
    title: Option<String>,
}

/// `POST /import`: YAML or JSON, told apart by content.
pub(crate) async fn import(
    caller: Caller,
    Query(query): Query<ImportQuery>,
    Text(text): Text,
) -> Answer {
    let (id, warnings) = caller
        .visit(|host, now| host.import_lab(&text, query.title.as_deref(), caller.user, now))?;
    let warnings = if warnings.is_empty() { Value::Null } else { json!(warnings) };
    json_ok(json!({ "id": id.to_string(), "warnings": warnings }))
}

/// `GET /labs/{id}/pyats_testbed`: enough for a client to parse.
pub(crate) async fn pyats_testbed(caller: Caller, Path(lab): Path<String>) -> Answer<String> {
    caller.visit(|host, _| {
        let lab = host.lab(lab_id(&lab)?)?;
        let machines = lab.nodes.iter().filter(|node| definitions::is_known(&node.definition));
        let devices: String = machines
            .map(|node| format!("  {}:\n    os: {}\n", node.label, node.definition))
            .collect();
        Ok(format!("testbed:\n  name: {}\ndevices:\n{devices}", lab.title))
    })
}
