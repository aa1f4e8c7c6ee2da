//! Actions on a worker: recorded here, carried out by the scheduler.

use std::time::Duration;

use axum::extract::State;
use ccm_app::{Fleet, WorkerRef};
use ccm_domain::WorkerView;

use super::Tagged;
use crate::dto;
use crate::dto::answer::Answer;
use crate::dto::worker_requests::{ExtendWorker, Nothing, SetMonitoring, TerminateWorker};
use crate::extract::{Caller, Json, Path, Ticket};
use crate::problem::Problem;

/// Start a worker
#[utoipa::path(post, path = "/workers/{id}/start", tag = "workers", request_body = Nothing,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses(
        (status = 202, description = "It starts.", body = Answer),
        (status = 200, description = "It runs already.", body = Answer),
    ))]
pub(crate) async fn start_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    let asked = fleet.request_start(&actor, &id, op).await?;
    Ok(Answer::of_worker(&asked, "is being started", "runs already"))
}

/// Stop a worker
///
/// Its disks are kept.
#[utoipa::path(post, path = "/workers/{id}/stop", tag = "workers", request_body = Nothing,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses(
        (status = 202, description = "It stops.", body = Answer),
        (status = 200, description = "It is stopped already.", body = Answer),
    ))]
pub(crate) async fn stop_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    let asked = fleet.request_stop(&actor, &id, op).await?;
    Ok(Answer::of_worker(&asked, "is being stopped", "is stopped already"))
}

/// Terminate a worker
///
/// Its labs are stopped and saved and its licence is given back first; `force` goes on where they do not answer.
#[utoipa::path(post, path = "/workers/{id}/terminate", tag = "workers", request_body = TerminateWorker,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses(
        (status = 202, description = "It is being terminated.", body = Answer),
        (status = 200, description = "It is terminated already.", body = Answer),
    ))]
pub(crate) async fn terminate_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(body): Json<TerminateWorker>,
) -> Result<Answer, Problem> {
    let asked = fleet.request_terminate(&actor, &id, body.force, op).await?;
    Ok(Answer::of_worker(&asked, "is being terminated", "is terminated already"))
}

/// Refresh a worker
///
/// Looks at its instance, load, controller, labs and activity. Two requests that wait are one.
#[utoipa::path(post, path = "/workers/{id}/refresh", tag = "workers", request_body = Nothing,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 202, description = "It is looked at; the answer says when.", body = Answer)))]
pub(crate) async fn refresh_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    let command = fleet.request_refresh(&actor, &id, op).await?;
    Ok(Answer::of_command(&command, op))
}

/// Move a worker's idle deadline
#[utoipa::path(post, path = "/workers/{id}/extend", tag = "workers", request_body = ExtendWorker,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "The worker as it is since.", body = dto::worker::Worker)))]
pub(crate) async fn extend_worker(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Json(body): Json<ExtendWorker>,
) -> Result<Tagged<WorkerView>, Problem> {
    let worker = fleet.extend_worker(&actor, &id, Duration::from_secs(body.seconds)).await?;
    Ok(Tagged { rev: worker.spec_rev, body: worker.view() })
}

/// Switch detailed monitoring
#[utoipa::path(post, path = "/workers/{id}/monitoring", tag = "workers", request_body = SetMonitoring,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "The worker as it is since.", body = dto::worker::Worker)))]
pub(crate) async fn set_monitoring(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Json(body): Json<SetMonitoring>,
) -> Result<Tagged<WorkerView>, Problem> {
    let worker = fleet.set_monitoring(&actor, &id, body.enabled).await?;
    Ok(Tagged { rev: worker.spec_rev, body: worker.view() })
}
