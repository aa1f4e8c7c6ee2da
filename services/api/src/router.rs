//! All routes on one screen, and what each request passes, outermost first.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use ccm_telemetry::{Meter, Tracer};
use http::Uri;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::MOST_BODY;
use crate::middleware::{
    headers, idempotency, known_query, limits, measure, ours, request_id, trace,
};
use crate::openapi::Document;
use crate::problem::Problem;
use crate::routes::{
    docs, events, inbound, lab_files, labs, licenses, login, operations, runs, schedules, session,
    settings, system, ui, worker_actions, worker_parts, workers,
};
use crate::state::AppState;

/// Every route under `/api/v1`. Each handler takes the caller, but the one of events from outside, whose senders
/// have a secret of their own; a test proves it.
pub(crate) fn api() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(workers::list_workers, workers::create_worker))
        .routes(routes!(workers::import_workers))
        .routes(routes!(workers::show_worker, workers::change_worker, workers::remove_worker))
        .routes(routes!(worker_actions::start_worker))
        .routes(routes!(worker_actions::stop_worker))
        .routes(routes!(worker_actions::terminate_worker))
        .routes(routes!(worker_actions::refresh_worker))
        .routes(routes!(worker_actions::extend_worker))
        .routes(routes!(worker_actions::set_monitoring))
        .routes(routes!(worker_parts::list_metrics))
        .routes(routes!(worker_parts::list_activity))
        .routes(routes!(worker_parts::explain_idle))
        .routes(routes!(worker_parts::set_idle_policy))
        .routes(routes!(worker_parts::show_tags, worker_parts::set_tags))
        .routes(routes!(licenses::show_license))
        .routes(routes!(licenses::register_license))
        .routes(routes!(licenses::deregister_license))
        .routes(routes!(labs::list_labs))
        .routes(routes!(labs::list_worker_labs, lab_files::import_lab))
        .routes(routes!(labs::refresh_labs))
        .routes(routes!(labs::show_lab, labs::delete_lab))
        .routes(routes!(labs::start_lab))
        .routes(routes!(labs::stop_lab))
        .routes(routes!(labs::wipe_lab))
        .routes(routes!(lab_files::download_lab))
        .routes(routes!(lab_files::draw_lab))
        .routes(routes!(operations::list_operations))
        .routes(routes!(operations::show_operation))
        .routes(routes!(schedules::list_schedules))
        .routes(routes!(schedules::change_schedule))
        .routes(routes!(schedules::trigger_schedule))
        .routes(routes!(schedules::pause_schedule))
        .routes(routes!(schedules::resume_schedule))
        .routes(routes!(runs::list_runs))
        .routes(routes!(runs::show_run))
        .routes(routes!(runs::requeue_run))
        .routes(routes!(settings::show_settings, settings::change_settings))
        .routes(routes!(events::stream_events))
        .routes(routes!(events::list_events))
        .routes(routes!(inbound::receive_events, inbound::consent_to_events))
        .routes(routes!(system::show_system))
        .routes(routes!(events::list_streams))
        .routes(routes!(events::end_stream))
        .routes(routes!(session::show_session))
        .routes(routes!(session::extend_session));
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", v1)
}

/// The whole public port.
pub(crate) fn router(state: AppState, meter: &Meter, tracer: &Tracer) -> Router {
    let (api, document) = api().split_for_parts();
    let known = Arc::new(known_query::Known::of(&document));
    let document = Arc::new(docs::Docs::new(crate::openapi::finish(document)));
    let ordinary = api
        .route_layer(from_fn_with_state(state.clone(), idempotency::once))
        .route_layer(from_fn_with_state(known, known_query::only_known))
        .route("/api/openapi.json", routing::get(docs::openapi).with_state(Arc::clone(&document)))
        .route("/api/docs", routing::get(docs::viewer).with_state(document))
        .route("/auth/login", routing::get(login::begin))
        .route("/auth/callback", routing::get(login::end))
        .route("/auth/logout", routing::post(login::leave))
        .route("/auth/backchannel-logout", routing::post(login::told))
        .route("/problems/{code}", routing::get(docs::problem))
        // An export of a large fleet shrinks to a tenth.
        .layer(CompressionLayer::new())
        .layer(from_fn(limits::deadline))
        .layer(from_fn_with_state(Arc::new(Semaphore::new(limits::MOST_AT_ONCE)), limits::shed));
    ordinary
        .fallback(ui::fallback)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(from_fn_with_state(state.clone(), ours::only_ours))
        .layer(CatchPanicLayer::custom(limits::panicked))
        // Around everything that may refuse, so that refusals have these headers and an id too.
        .layer(from_fn(headers::secure))
        .layer(from_fn(request_id::identify))
        .layer(from_fn_with_state(tracer.clone(), trace::trace))
        .layer(from_fn_with_state(measure::Requests::new(meter), measure::measure))
        .with_state(state)
}

async fn no_such_method(State(_): State<AppState>, uri: Uri) -> Response {
    let detail = format!("{} has no such method; `Allow` lists those that it has", uri.path());
    Problem::new("method_not_allowed", detail).into_response()
}
