//! What happens, live and from the log; and who listens.

use axum::extract::{ConnectInfo, Extension, State};
use axum::response::Response;
use ccm_app::Fleet;
use ccm_domain::{DomainError, Permission};
use ccm_events::Event;
use ccm_fanout::{ClientId, Filter};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Known, Verdict};
use crate::dto::page::Listed;
use crate::dto::stream::StreamClient;
use crate::extract::{Caller, Path, Query, Visitor};
use crate::live::{Access, Hangup, Knock, Live, Position};
use crate::problem::Problem;
use crate::state::AppState;

/// Events of one answer of the log unless the caller says.
const USUAL_EVENTS: u32 = 100;
/// The most events of one answer of the log.
const MOST_EVENTS: u32 = 1000;

/// What to hear.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Only about these workers and their labs: ids, between commas.
    workers: Option<String>,
    /// Only about these labs: ids, between commas.
    labs: Option<String>,
    /// Only of these types, between commas: `worker.created`, `worker.*`.
    types: Option<String>,
    /// Go on behind this event. The header `Last-Event-ID`, which browsers send by themselves, wins.
    #[param(value_type = Option<u64>)]
    last_event_id: Option<String>,
}

/// Hear what happens
///
/// Server-sent events. Without a cursor the stream begins with a `snapshot` of the workers; with one it goes
/// on where it was, or says `resync` and begins with a snapshot. An `id:` without an event moves the cursor
/// and is also the sign of life. The stream ends with `bye` or `auth_expired`.
#[utoipa::path(get, path = "/events", tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "Go on behind this event.")),
    responses((status = 200, description = "The stream.", content_type = "text/event-stream", body = String)))]
pub(crate) async fn stream_events(
    State(AppState { live, auth, .. }): State<AppState>,
    Visitor(known): Visitor,
    Query(query): Query<StreamQuery>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    hangup: Option<Extension<Hangup>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    known.actor.must(Permission::Read).map_err(DomainError::from)?;
    let position = position(&headers, query.last_event_id.as_deref())?;
    let access = access(&known, auth.verdict(&known), peer);
    let mut filter = filter(&query)?;
    if let Some(visible) = access.visible.clone() {
        filter = filter.seen_by(visible);
    }
    let reads_streams = accepts_streams(&headers);
    let hangup = hangup.map(|Extension(hangup)| hangup).unwrap_or_default();
    Ok(live.open(Knock { filter, position, access, hangup, reads_streams }).await)
}

/// What to read of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// Only events behind this one; 0 for the oldest that is kept.
    after: u64,
    /// Events of an answer, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// A part of the event log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogPage {
    /// CloudEvents, oldest first.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Box<serde_json::value::RawValue>>,
    /// Send it as `after` to get the next ones; `null` at the end.
    next_cursor: Option<String>,
    /// The oldest event that is kept.
    oldest: u64,
    /// The last event.
    head: u64,
}

/// Read what happened
///
/// The log keeps events as long as the settings say. `sequence` is the event's number, and its `id:` on
/// streams.
#[utoipa::path(get, path = "/events/log", tag = "events", params(LogQuery),
    responses((status = 200, description = "One page.", body = LogPage)))]
pub(crate) async fn list_events(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Query(query): Query<LogQuery>,
) -> Result<axum::Json<LogPage>, Problem> {
    actor.must(Permission::Read).map_err(DomainError::from)?;
    let limit = query.limit.unwrap_or(USUAL_EVENTS);
    if !(1..=MOST_EVENTS).contains(&limit) {
        let detail = format!("must be from 1 to {MOST_EVENTS}");
        return Err(Problem::field("invalid_query", "query/limit", detail));
    }
    let log = &fleet.stores.log;
    let (oldest, head) = (log.oldest().await?, log.head().await?);
    let read = log.read(query.after, limit as usize).await?;
    let last = read.last().map(|logged| logged.seq);
    let json = |logged: ccm_ports::Logged| {
        let event = Event::logged(logged.seq, &logged.change);
        serde_json::from_slice(&event.json).map_err(|err| Problem::internal(&err))
    };
    let items = read.into_iter().map(json).collect::<Result<_, _>>()?;
    let next_cursor = last.filter(|last| *last < head).map(|last| last.to_string());
    Ok(axum::Json(LogPage { items, next_cursor, oldest, head }))
}

/// List open streams
///
/// Those of the answering process.
#[utoipa::path(get, path = "/system/streams", tag = "system",
    responses((status = 200, description = "All of them, oldest first.", body = Listed<StreamClient>)))]
pub(crate) async fn list_streams(
    State(live): State<Live>,
    Caller(actor): Caller,
) -> Result<axum::Json<Listed<StreamClient>>, Problem> {
    actor.must(Permission::Read).map_err(DomainError::from)?;
    let items = live.hub().streams().into_iter().map(StreamClient::from).collect();
    Ok(axum::Json(Listed { items, next_cursor: None }))
}

/// End a stream
///
/// Its reader is told goodbye and when to come back.
#[utoipa::path(delete, path = "/system/streams/{id}", tag = "system",
    params(("id" = u64, Path, description = "Its id in the list of this process.")),
    responses((status = 204, description = "It is ended.")))]
pub(crate) async fn end_stream(
    State(live): State<Live>,
    Caller(actor): Caller,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    actor.must(Permission::EndStreams).map_err(DomainError::from)?;
    if live.hub().kick(ClientId(id)) {
        tracing::info!(client.id = id, actor.name = actor.name, "{} ended stream {id}", actor.name);
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new("not_found", "there is no such stream in this process"))
    }
}

fn filter(query: &StreamQuery) -> Result<Filter, Problem> {
    let StreamQuery { workers, labs, types, .. } = query;
    Filter::parse(workers.as_deref(), labs.as_deref(), types.as_deref()).map_err(|err| {
        let pointer = format!("query/{}", err.field);
        Problem::field("invalid_query", &pointer, err.to_string())
    })
}

/// Reads the cursor. A header that makes no sense is what a browser was given by somebody else: it gets a
/// `resync`, since any refusal would end its stream for good.
fn position(headers: &HeaderMap, query: Option<&str>) -> Result<Position, Problem> {
    if let Some(id) = headers.get("last-event-id").filter(|id| !id.is_empty()) {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        return Ok(id.map_or(Position::Unknown, Position::After));
    }
    match query.filter(|id| !id.is_empty()) {
        None => Ok(Position::Fresh),
        Some(id) => id.parse().map(Position::After).map_err(|_| {
            let detail = "must be the id of an event, a number";
            Problem::field("invalid_query", "query/last_event_id", detail)
        }),
    }
}

fn access(
    known: &Known,
    verdict: Option<Verdict>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
) -> Access {
    let address = peer.map(|Extension(ConnectInfo(peer))| peer.ip().to_canonical().to_string());
    Access::of(known, verdict, address)
}

fn accepts_streams(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("text/event-stream"))
}
