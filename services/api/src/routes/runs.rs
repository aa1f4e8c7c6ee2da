//! Runs: what ran, when, how long, why not.

use axum::extract::State;
use ccm_app::{Fleet, RunFilter};
use ccm_domain::{RunState, WorkerId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::words;
use crate::dto::page::{Listed, Paging, Sorts};
use crate::dto::schedule::Run;
use crate::dto::worker_requests::Nothing;
use crate::extract::{Caller, Json, Path, Query};
use crate::problem::Problem;

const SORTS: Sorts = &[("-queued_at", Some("queued"))];

/// Which runs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// Of this schedule.
    schedule: Option<String>,
    /// About this worker.
    #[param(value_type = Option<uuid::Uuid>)]
    worker: Option<WorkerId>,
    /// States, between commas.
    state: Option<String>,
    /// `queued_at`; `-` before it reverses, which is the default.
    sort: Option<String>,
    /// Items of a page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List runs
///
/// Newest first.
#[utoipa::path(get, path = "/runs", tag = "schedules", params(RunQuery),
    responses((status = 200, description = "One page.", body = Listed<Run>)))]
pub(crate) async fn list_runs(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Query(query): Query<RunQuery>,
) -> Result<axum::Json<Listed<Run>>, Problem> {
    let states = words::<RunState>("state", query.state.as_deref())?;
    let filter = RunFilter { schedule: query.schedule, worker: query.worker, states };
    let paging = Paging { limit: query.limit, cursor: query.cursor, sort: query.sort };
    let ordered = paging.check(SORTS)?;
    let page = fleet.list_runs(&actor, &filter, ordered.query.clone()).await?;
    Ok(axum::Json(ordered.listed(page, Run::from)))
}

/// Show a run
#[utoipa::path(get, path = "/runs/{id}", tag = "schedules",
    params(("id" = String, Path, description = "`<schedule>@<slot>`, or the id of its operation.")),
    responses((status = 200, description = "The run.", body = Run)))]
pub(crate) async fn show_run(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<Run>, Problem> {
    Ok(axum::Json(fleet.find_run(&actor, &id).await?.into()))
}

/// Put a run back
///
/// Only one that was given up: dead or quarantined. It has all its attempts anew.
#[utoipa::path(post, path = "/runs/{id}/requeue", tag = "schedules", request_body = Nothing,
    params(("id" = String, Path, description = "`<schedule>@<slot>`, or the id of its operation.")),
    responses((status = 200, description = "The run as it is since.", body = Run)))]
pub(crate) async fn requeue_run(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<axum::Json<Run>, Problem> {
    Ok(axum::Json(fleet.requeue_run(&actor, &id).await?.into()))
}
