//! Parts of a worker: load history, activity, idle decision and policy, tags.

use std::time::Duration;

use axum::extract::State;
use ccm_app::{Fleet, WorkerRef};
use ccm_domain::{IdleVerdict, Timestamp, Use as DomainUse, WorkerView};
use ccm_ports::{MOST_ITEMS, Sample};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Tagged;
use crate::dto;
use crate::dto::page::Listed;
use crate::dto::worker_parts::{MetricSample, Tags};
use crate::dto::worker_requests::{SetIdlePolicy, SetTags};
use crate::extract::{Caller, IfMatch, Json, Path, Query};
use crate::problem::Problem;

/// The span that is shown unless the caller says.
const USUAL_SPAN: Duration = Duration::from_secs(24 * 3600);

/// Which readings to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetricsQuery {
    /// From this moment; a day ago when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this moment; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Items of a page, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Timestamp>,
}

/// List readings of load
///
/// Fine for a day, hourly for a month; oldest first.
#[utoipa::path(get, path = "/workers/{id}/metrics", tag = "workers",
    params(("id" = String, Path, description = "Our id, or that of the instance."), MetricsQuery),
    responses((status = 200, description = "One page.", body = Listed<MetricSample>)))]
pub(crate) async fn list_metrics(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Query(query): Query<MetricsQuery>,
) -> Result<axum::Json<Listed<Sample>>, Problem> {
    let limit = query.limit.unwrap_or(MOST_ITEMS);
    if !(1..=MOST_ITEMS).contains(&limit) {
        let detail = format!("must be from 1 to {MOST_ITEMS}");
        return Err(Problem::field("invalid_query", "query/limit", detail));
    }
    let to = query.to.unwrap_or_else(|| fleet.now());
    let from = query.from.unwrap_or_else(|| to.minus(USUAL_SPAN));
    if from >= to {
        return Err(Problem::field("invalid_query", "query/from", "must be before `to`"));
    }
    let worker = fleet.find_worker(&actor, &id).await?;
    let begin = query.cursor.map_or(from, |cursor| cursor.max(from));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut items = fleet.load_history(worker.id, begin, to, limit + 1).await?;
    // The first reading that does not fit is where the next page begins.
    let next_cursor = items.get(limit).map(|sample| sample.at.to_string());
    items.truncate(limit);
    Ok(axum::Json(Listed { items, next_cursor }))
}

/// Show recent use by people
///
/// Newest first; the controller's telemetry without what we do ourselves.
#[utoipa::path(get, path = "/workers/{id}/activity", tag = "workers",
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "All that is kept.", body = Listed<dto::worker_parts::Use>)))]
pub(crate) async fn list_activity(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
) -> Result<axum::Json<Listed<DomainUse>>, Problem> {
    let worker = fleet.find_worker(&actor, &id).await?;
    Ok(axum::Json(Listed { items: worker.status.activity.recent, next_cursor: None }))
}

/// Explain the idle decision
///
/// Decided anew with what is known now; nothing is done about it here.
#[utoipa::path(get, path = "/workers/{id}/idle", tag = "workers",
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "The decision.", body = dto::worker_parts::IdleVerdict)))]
pub(crate) async fn explain_idle(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
) -> Result<Tagged<IdleVerdict>, Problem> {
    let (worker, verdict) = fleet.explain_idle(&actor, &id).await?;
    Ok(Tagged { rev: worker.spec_rev, body: verdict })
}

/// Set a worker's own idle policy
#[utoipa::path(put, path = "/workers/{id}/idle-policy", tag = "workers", request_body = SetIdlePolicy,
    params(
        ("id" = String, Path, description = "Our id, or that of the instance."),
        ("If-Match" = String, Header, description = "The `ETag` that was read."),
    ),
    responses((status = 200, description = "The worker as it is since.", body = dto::worker::Worker)))]
pub(crate) async fn set_idle_policy(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<SetIdlePolicy>,
) -> Result<Tagged<WorkerView>, Problem> {
    let worker = fleet.set_idle_policy(&actor, &id, &expected, &body.into()).await?;
    Ok(Tagged { rev: worker.spec_rev, body: worker.view() })
}

/// Show a worker's tags
#[utoipa::path(get, path = "/workers/{id}/tags", tag = "workers",
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 200, description = "Seen and wanted ones.", body = Tags)))]
pub(crate) async fn show_tags(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
) -> Result<Tagged<Tags>, Problem> {
    Ok(tags_of(fleet.find_worker(&actor, &id).await?))
}

/// Set a worker's tags
///
/// Never touches `Name` and `aws:*`.
#[utoipa::path(put, path = "/workers/{id}/tags", tag = "workers", request_body = SetTags,
    params(
        ("id" = String, Path, description = "Our id, or that of the instance."),
        ("If-Match" = String, Header, description = "The `ETag` that was read."),
    ),
    responses((status = 200, description = "Seen and wanted ones.", body = Tags)))]
pub(crate) async fn set_tags(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    IfMatch(expected): IfMatch,
    Json(body): Json<SetTags>,
) -> Result<Tagged<Tags>, Problem> {
    Ok(tags_of(fleet.set_tags(&actor, &id, &expected, &body.tags).await?))
}

fn tags_of(worker: ccm_domain::Worker) -> Tagged<Tags> {
    let (spec, tags) = (worker.spec, worker.status.tags);
    Tagged {
        rev: worker.spec_rev,
        body: Tags { tags, wanted: spec.tags, removed: spec.tags_removed },
    }
}
