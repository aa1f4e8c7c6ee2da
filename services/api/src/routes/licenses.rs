//! Licences of workers.

use axum::extract::State;
use ccm_app::{Fleet, WorkerRef};
use ccm_domain::License as DomainLicense;

use super::Tagged;
use crate::dto::answer::Answer;
use crate::dto::license::{License, RegisterLicense};
use crate::dto::worker_requests::Nothing;
use crate::extract::{Caller, Json, Path, Ticket};
use crate::problem::Problem;

/// Show a worker's licence
#[utoipa::path(get, path = "/workers/{id}/license", tag = "licenses",
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "As last seen.", body = License)))]
pub(crate) async fn show_license(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
) -> Result<Tagged<DomainLicense>, Problem> {
    let worker = fleet.find_worker(&actor, &id).await?;
    Ok(Tagged { rev: worker.spec_rev, body: worker.status.license })
}

/// Register a worker's licence
#[utoipa::path(post, path = "/workers/{id}/license/register", tag = "licenses", request_body = RegisterLicense,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses(
        (status = 202, description = "The registration was begun.", body = Answer),
        (status = 200, description = "It is registered already.", body = Answer),
    ))]
pub(crate) async fn register_license(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(body): Json<RegisterLicense>,
) -> Result<Answer, Problem> {
    let asked = fleet.request_registration(&actor, &id, &body.token, body.reregister, op).await?;
    Ok(Answer::of_worker(&asked, "is being registered", "is registered already"))
}

/// Give a worker's licence back
#[utoipa::path(post, path = "/workers/{id}/license/deregister", tag = "licenses", request_body = Nothing,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 202, description = "The operation was begun.", body = Answer)))]
pub(crate) async fn deregister_license(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Answer, Problem> {
    let asked = fleet.request_deregistration(&actor, &id, op).await?;
    Ok(Answer::of_worker(&asked, "is being deregistered", "is not registered"))
}
