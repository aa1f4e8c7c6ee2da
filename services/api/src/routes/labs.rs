//! Labs, of the whole fleet and of one worker: list, show, actions.

use axum::extract::State;
use ccm_app::{Fleet, LabFilter, WorkerRef};
use ccm_domain::cml::{LabAction, LabState};
use ccm_domain::{LabId, LabView, OperationId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Tagged, words};
use crate::dto;
use crate::dto::answer::Answer;
use crate::dto::page::{Listed, Paging, Sorts};
use crate::dto::worker_requests::Nothing;
use crate::extract::{Caller, Json, Path, Query, Ticket};
use crate::problem::Problem;

const SORTS: Sorts = &[("id", None), ("title", Some("title")), ("state", Some("state"))];

/// Which labs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LabQuery {
    /// States, between commas.
    state: Option<String>,
    /// Text in the id, title or owner.
    q: Option<String>,
    /// `id`, `title` or `state`; `-` before it reverses.
    sort: Option<String>,
    /// Items of a page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which lab of which worker.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct LabPath {
    /// The worker: our id, or that of the instance.
    #[param(value_type = String)]
    pub(crate) id: WorkerRef,
    /// The lab: CML's id.
    #[param(value_type = String)]
    pub(crate) lab: LabId,
}

/// List labs of the fleet
#[utoipa::path(get, path = "/labs", tag = "labs", params(LabQuery),
    responses((status = 200, description = "One page.", body = Listed<dto::lab::Lab>)))]
pub(crate) async fn list_labs(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Query(query): Query<LabQuery>,
) -> Result<axum::Json<Listed<LabView>>, Problem> {
    list(&fleet, &actor, None, query).await
}

/// List labs of a worker
#[utoipa::path(get, path = "/workers/{id}/labs", tag = "labs",
    params(("id" = String, Path, description = "Our id, or that of the instance."), LabQuery),
    responses((status = 200, description = "One page.", body = Listed<dto::lab::Lab>)))]
pub(crate) async fn list_worker_labs(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Query(query): Query<LabQuery>,
) -> Result<axum::Json<Listed<LabView>>, Problem> {
    list(&fleet, &actor, Some(&id), query).await
}

/// Look at a worker's labs now
#[utoipa::path(post, path = "/workers/{id}/labs/refresh", tag = "labs", request_body = Nothing,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 202, description = "They are looked at; the answer says when.", body = Answer)))]
pub(crate) async fn refresh_labs(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    let command = fleet.request_lab_refresh(&actor, &id, op).await?;
    Ok(Answer::of_command(&command, op))
}

/// Show a lab
#[utoipa::path(get, path = "/workers/{id}/labs/{lab}", tag = "labs", params(LabPath),
    responses((status = 200, description = "The lab.", body = dto::lab::Lab)))]
pub(crate) async fn show_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
) -> Result<Tagged<LabView>, Problem> {
    let (_, lab) = fleet.find_lab(&actor, &path.id, &path.lab).await?;
    Ok(Tagged { rev: lab.rev, body: lab.view() })
}

/// Delete a lab
///
/// It must be stopped and wiped.
#[utoipa::path(delete, path = "/workers/{id}/labs/{lab}", tag = "labs", params(LabPath),
    responses((status = 202, description = "It is being deleted.", body = Answer)))]
pub(crate) async fn delete_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
    Ticket(op): Ticket,
) -> Result<Answer, Problem> {
    act(&fleet, &actor, &path, LabAction::Delete, op).await
}

/// Start a lab
#[utoipa::path(post, path = "/workers/{id}/labs/{lab}/start", tag = "labs", params(LabPath), request_body = Nothing,
    responses(
        (status = 202, description = "It starts.", body = Answer),
        (status = 200, description = "It runs already.", body = Answer),
    ))]
pub(crate) async fn start_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    act(&fleet, &actor, &path, LabAction::Start, op).await
}

/// Stop a lab
#[utoipa::path(post, path = "/workers/{id}/labs/{lab}/stop", tag = "labs", params(LabPath), request_body = Nothing,
    responses(
        (status = 202, description = "It stops.", body = Answer),
        (status = 200, description = "It is stopped already.", body = Answer),
    ))]
pub(crate) async fn stop_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    act(&fleet, &actor, &path, LabAction::Stop, op).await
}

/// Wipe a lab
///
/// Throws its nodes' disks away; it must be stopped.
#[utoipa::path(post, path = "/workers/{id}/labs/{lab}/wipe", tag = "labs", params(LabPath), request_body = Nothing,
    responses(
        (status = 202, description = "It is being wiped.", body = Answer),
        (status = 200, description = "It is wiped already.", body = Answer),
    ))]
pub(crate) async fn wipe_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    act(&fleet, &actor, &path, LabAction::Wipe, op).await
}

async fn list(
    fleet: &Fleet,
    actor: &ccm_domain::Actor,
    of: Option<&WorkerRef>,
    query: LabQuery,
) -> Result<axum::Json<Listed<LabView>>, Problem> {
    let states = words::<LabState>("state", query.state.as_deref())?;
    let filter = LabFilter { states, text: query.q };
    let paging = Paging { limit: query.limit, cursor: query.cursor, sort: query.sort };
    let ordered = paging.check(SORTS)?;
    let page = fleet.list_labs(actor, of, &filter, ordered.query.clone()).await?;
    Ok(axum::Json(ordered.listed(page, |lab| lab.view())))
}

async fn act(
    fleet: &Fleet,
    actor: &ccm_domain::Actor,
    path: &LabPath,
    action: LabAction,
    op: OperationId,
) -> Result<Answer, Problem> {
    let asked = fleet.request_lab_action(actor, &path.id, &path.lab, action, op).await?;
    Ok(Answer::of_lab(&asked))
}
