//! Schedules, changed while they run.

use axum::extract::State;
use ccm_app::Fleet;
use ccm_domain::schedule::SchedulePatch;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Tagged;
use crate::dto::page::{Listed, Paging, Sorts};
use crate::dto::schedule::{ChangeSchedule, Schedule};
use crate::dto::worker_requests::Nothing;
use crate::extract::{Caller, IfMatch, Json, Path, Query};
use crate::problem::Problem;

const SORTS: Sorts = &[("name", None)];

/// Which schedules to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScheduleQuery {
    /// Items of a page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List schedules
#[utoipa::path(get, path = "/schedules", tag = "schedules", params(ScheduleQuery),
    responses((status = 200, description = "One page.", body = Listed<Schedule>)))]
pub(crate) async fn list_schedules(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Query(query): Query<ScheduleQuery>,
) -> Result<axum::Json<Listed<Schedule>>, Problem> {
    let paging = Paging { limit: query.limit, cursor: query.cursor, sort: None };
    let ordered = paging.check(SORTS)?;
    let page = fleet.list_schedules(&actor, ordered.query.clone()).await?;
    Ok(axum::Json(ordered.listed(page, Schedule::from)))
}

/// Change a schedule
#[utoipa::path(patch, path = "/schedules/{name}", tag = "schedules", request_body = ChangeSchedule,
    params(
        ("name" = String, Path, description = "Its name."),
        ("If-Match" = String, Header, description = "The `ETag` that was read."),
    ),
    responses((status = 200, description = "The schedule as it is since.", body = Schedule)))]
pub(crate) async fn change_schedule(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    IfMatch(expected): IfMatch,
    Json(patch): Json<SchedulePatch>,
) -> Result<Tagged<Schedule>, Problem> {
    Ok(tagged(fleet.change_schedule(&actor, &name, &expected, &patch).await?))
}

/// Run a schedule's job now
///
/// Paused or not. Two requests before it is taken up are one.
#[utoipa::path(post, path = "/schedules/{name}/trigger", tag = "schedules", request_body = Nothing,
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 202, description = "It runs at once; `triggered` names the slot.", body = Schedule)))]
pub(crate) async fn trigger_schedule(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Tagged<Schedule>), Problem> {
    let (schedule, _) = fleet.trigger_schedule(&actor, &name).await?;
    Ok((StatusCode::ACCEPTED, tagged(schedule)))
}

/// Pause a schedule
#[utoipa::path(post, path = "/schedules/{name}/pause", tag = "schedules", request_body = Nothing,
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The schedule as it is since.", body = Schedule)))]
pub(crate) async fn pause_schedule(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Tagged<Schedule>, Problem> {
    Ok(tagged(fleet.pause_schedule(&actor, &name).await?))
}

/// Resume a schedule
#[utoipa::path(post, path = "/schedules/{name}/resume", tag = "schedules", request_body = Nothing,
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The schedule as it is since.", body = Schedule)))]
pub(crate) async fn resume_schedule(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Tagged<Schedule>, Problem> {
    Ok(tagged(fleet.resume_schedule(&actor, &name).await?))
}

fn tagged(schedule: ccm_domain::Schedule) -> Tagged<Schedule> {
    Tagged { rev: schedule.spec_rev, body: schedule.into() }
}
