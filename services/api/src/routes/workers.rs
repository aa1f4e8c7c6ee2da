//! Workers: list, show, create, import, change, remove.

use axum::extract::State;
use ccm_app::{Fleet, WorkerFilter, WorkerRef};
use ccm_domain::{Region, WorkerState, WorkerView};
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Tagged, words};
use crate::dto;
use crate::dto::answer::Answer;
use crate::dto::page::{Listed, Paging, Sorts};
use crate::dto::worker_requests::{ChangeWorker, CreateWorker, ImportWorkers};
use crate::extract::{Caller, IfMatch, Json, Path, Query, Ticket};
use crate::problem::Problem;

const SORTS: Sorts = &[
    ("id", None),
    ("name", Some("name")),
    ("region", Some("region")),
    ("state", Some("state")),
    ("created_at", Some("created")),
    ("updated_at", Some("updated")),
];

/// What to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkerQuery {
    /// Regions, between commas.
    region: Option<String>,
    /// States, between commas.
    state: Option<String>,
    /// Terminated workers too.
    include_terminated: bool,
    /// Text in the id, name or instance id.
    q: Option<String>,
    /// `id`, `name`, `region`, `state`, `created_at` or `updated_at`; `-` before it reverses.
    sort: Option<String>,
    /// Items of a page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List workers
///
/// Of all regions and accounts, terminated ones on demand.
#[utoipa::path(get, path = "/workers", tag = "workers", params(WorkerQuery),
    responses((status = 200, description = "One page.", body = Listed<dto::worker::Worker>)))]
pub(crate) async fn list_workers(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Query(query): Query<WorkerQuery>,
) -> Result<axum::Json<Listed<WorkerView>>, Problem> {
    let filter = WorkerFilter {
        regions: words::<Region>("region", query.region.as_deref())?,
        states: words::<WorkerState>("state", query.state.as_deref())?,
        include_terminated: query.include_terminated,
        text: query.q,
    };
    let paging = Paging { limit: query.limit, cursor: query.cursor, sort: query.sort };
    let ordered = paging.check(SORTS)?;
    let page = fleet.list_workers(&actor, &filter, ordered.query.clone()).await?;
    Ok(axum::Json(ordered.listed(page, |worker| worker.view())))
}

/// Create a worker
///
/// Launches an instance; the operation says how far it is. What is left out comes from the settings.
#[utoipa::path(post, path = "/workers", tag = "workers", request_body = CreateWorker,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless.")),
    responses((status = 202, description = "The operation was begun.", body = Answer)))]
pub(crate) async fn create_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Ticket(op): Ticket,
    Json(body): Json<CreateWorker>,
) -> Result<Answer, Problem> {
    let worker = fleet.create_worker(&actor, body.into(), op).await?;
    let asked = ccm_app::Asked { worker, wish: ccm_domain::worker::Wish::Begun(op) };
    Ok(Answer::of_worker(&asked, "is being created", ""))
}

/// Import existing instances
///
/// One by its id, or those of an image. The operation's result tells found, imported and skipped ones. While an
/// equal request waits for its turn, its operation is answered.
#[utoipa::path(post, path = "/workers/import", tag = "workers", request_body = ImportWorkers,
    responses((status = 202, description = "The operation was begun.", body = Answer)))]
pub(crate) async fn import_workers(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Ticket(op): Ticket,
    Json(body): Json<ImportWorkers>,
) -> Result<Answer, Problem> {
    let command = fleet.request_import(&actor, body.into(), op).await?;
    Ok(Answer::of_command(&command, op))
}

/// Show a worker
#[utoipa::path(get, path = "/workers/{id}", tag = "workers",
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "The worker, with its `ETag`.", body = dto::worker::Worker)))]
pub(crate) async fn show_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
) -> Result<Tagged<WorkerView>, Problem> {
    let worker = fleet.find_worker(&actor, &id).await?;
    Ok(Tagged { rev: worker.spec_rev, body: worker.view() })
}

/// Change a worker
///
/// Name, address of the controller, type to launch, CML version expected, detailed monitoring.
#[utoipa::path(patch, path = "/workers/{id}", tag = "workers", request_body = ChangeWorker,
    params(
        ("id" = String, Path, description = "Our id, or that of the instance."),
        ("If-Match" = String, Header, description = "The `ETag` that was read."),
    ),
    responses((status = 200, description = "The worker as it is since.", body = dto::worker::Worker)))]
pub(crate) async fn change_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ChangeWorker>,
) -> Result<Tagged<WorkerView>, Problem> {
    let worker = fleet.change_worker(&actor, &id, &expected, &body.into()).await?;
    Ok(Tagged { rev: worker.spec_rev, body: worker.view() })
}

/// Forget a worker
///
/// Its labs go with it; the instance is left as it is. `If-Match` is heeded when it is there.
#[utoipa::path(delete, path = "/workers/{id}", tag = "workers",
    params(
        ("id" = String, Path, description = "Our id, or that of the instance."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that was read."),
    ),
    responses((status = 204, description = "It is forgotten.")))]
pub(crate) async fn remove_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    expected: Option<IfMatch>,
) -> Result<StatusCode, Problem> {
    fleet.remove_worker(&actor, &id, &IfMatch::or_any(expected)).await?;
    Ok(StatusCode::NO_CONTENT)
}
