//! Long actions.

use axum::extract::State;
use ccm_app::{Fleet, OperationFilter, WorkerRef};
use ccm_domain::OperationId;
use ccm_ports::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::dto::operation::{Operation, OperationState};
use crate::dto::page::{Listed, Paging, Sorts};
use crate::extract::{Caller, Path, Query};
use crate::problem::Problem;

/// Newest first is the only order: the list has two sources.
const SORTS: Sorts = &[("-started_at", None)];

/// Which operations to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OperationQuery {
    /// About this worker: our id, or that of the instance.
    #[param(value_type = Option<String>)]
    worker: Option<WorkerRef>,
    /// This far.
    #[param(inline)]
    state: Option<OperationState>,
    /// Items of a page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List operations
///
/// Newest first.
#[utoipa::path(get, path = "/operations", tag = "operations", params(OperationQuery),
    responses((status = 200, description = "One page.", body = Listed<Operation>)))]
pub(crate) async fn list_operations(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Query(query): Query<OperationQuery>,
) -> Result<axum::Json<Listed<Operation>>, Problem> {
    let filter = OperationFilter { worker: query.worker, progress: query.state.map(Into::into) };
    let paging = Paging { limit: query.limit, cursor: query.cursor, sort: None };
    let ordered = paging.check(SORTS)?;
    let (limit, after) = (ordered.query.limit, ordered.query.after.clone());
    let Page { items, next } = fleet.list_operations(&actor, &filter, limit, after).await?;
    Ok(axum::Json(ordered.listed(Page { items, next }, Operation::from)))
}

/// Show an operation
#[utoipa::path(get, path = "/operations/{id}", tag = "operations",
    params(("id" = uuid::Uuid, Path, description = "Its id.")),
    responses((status = 200, description = "The operation.", body = Operation)))]
pub(crate) async fn show_operation(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<OperationId>,
) -> Result<axum::Json<Operation>, Problem> {
    Ok(axum::Json(fleet.find_operation(&actor, id).await?.into()))
}
