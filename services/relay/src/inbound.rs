//! Events from outside, on a port of the relay's own. Every relay takes them, whether it leads or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ccm_app::Fleet;
use ccm_config::section::{HttpSection, InboundSection};
use ccm_inbound::{Consent, PATH, Taken, WayIn};
use ccm_runtime::Shell;
use http::HeaderMap;
use tokio::sync::Semaphore;

use self::problem::Problem;

mod problem;

/// Requests at once; each may hold a body of a mebibyte.
const MOST_AT_ONCE: usize = 64;
/// The longest that a request may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Takes events from outside on the port of `http`; returns where, or none when no secret is configured.
///
/// # Errors
/// When a secret is none, or the port cannot be bound.
pub fn take_events(
    fleet: &Fleet,
    section: &InboundSection,
    http: &HttpSection,
    shell: &Shell,
) -> anyhow::Result<Option<SocketAddr>> {
    let way_in = WayIn::new(fleet, section, &shell.meter("ccm-relay"))?;
    if way_in.is_closed() {
        tracing::info!("events from outside are off: relay.inbound has no secret");
        return Ok(None);
    }
    let listener = shell.listen("http", http.listen)?;
    let address = listener.local_addr()?;
    let served = ccm_runtime::serve::<()>(listener, router(way_in), shell.clone());
    shell.tasks.spawn_critical("http", served);
    Ok(Some(address))
}

fn router(way_in: WayIn) -> Router {
    Router::new()
        .route(PATH, post(receive).options(consent))
        .method_not_allowed_fallback(|| async { Problem::new("method_not_allowed") })
        .fallback(|| async { Problem::new("no_such_route") })
        .layer(from_fn_with_state(Arc::new(Semaphore::new(MOST_AT_ONCE)), within_bounds))
        .with_state(way_in)
}

/// Turns requests away while too many are under way, and ends those that take too long.
async fn within_bounds(
    State(room): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_seat) = room.try_acquire() else {
        return Problem::new("overloaded").into_response();
    };
    tokio::time::timeout(LONGEST, next.run(request))
        .await
        .unwrap_or_else(|_| Problem::new("timed_out").into_response())
}

async fn receive(State(way_in): State<WayIn>, request: Request) -> Result<Taken, Problem> {
    Ok(way_in.receive(request).await?)
}

async fn consent(State(way_in): State<WayIn>, headers: HeaderMap) -> Consent {
    way_in.consent(&headers)
}
