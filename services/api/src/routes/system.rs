//! The system itself.

use axum::extract::State;
use ccm_app::{Fleet, FleetError};
use ccm_domain::{DomainError, Permission};
use ccm_ports::{LeaseRole, Query as StoreQuery};
use ccm_runtime::build::BUILD;
use std::time::Duration;

use crate::dto::system::{EventLogState, Leader, Part, ProcessSeen, System, Version};
use crate::extract::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// A schedule this much behind its time is late: a leader ticks every second.
const LATE: Duration = Duration::from_secs(60);

/// Show the system
///
/// Parts as the answering process sees them, leaders with their epochs, the event log and its backlog. While
/// the store cannot be reached the answer says so and stays 200.
#[utoipa::path(get, path = "/system", tag = "system",
    responses((status = 200, description = "The system.", body = System)))]
pub(crate) async fn show_system(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<axum::Json<System>, Problem> {
    actor.must(Permission::Read).map_err(DomainError::from)?;
    let readiness = state.ready.check().await;
    let parts = readiness.parts.into_iter().map(|(name, word)| Part::of(name, word));
    let mut parts: Vec<Part> = parts.collect();
    let stored = stored(&state.fleet).await;
    let detail = stored.as_ref().err().map(|_| "cannot be reached".to_owned());
    parts.push(Part { name: "store".to_owned(), healthy: detail.is_none(), detail });
    let Stored { processes, leaders, events, late_schedules } = stored.unwrap_or_default();
    let build = Version { version: BUILD.version.to_owned(), commit: BUILD.commit.to_owned() };
    let process = state.process.to_string();
    Ok(axum::Json(System { process, build, parts, processes, leaders, events, late_schedules }))
}

/// What the store knows about the system.
#[derive(Default)]
struct Stored {
    processes: Vec<ProcessSeen>,
    leaders: Vec<Leader>,
    events: Option<EventLogState>,
    late_schedules: Vec<String>,
}

async fn stored(fleet: &Fleet) -> Result<Stored, FleetError> {
    let stores = &fleet.stores;
    let processes = fleet.processes().await?.into_iter().map(ProcessSeen::from).collect();
    let mut leaders = Vec::new();
    for role in LeaseRole::ALL {
        let lease = stores.leases.read(*role).await?;
        leaders.push(Leader {
            role: role.name().to_owned(),
            epoch: lease.as_ref().map_or(0, |lease| lease.epoch.0),
            renewals: lease.as_ref().map_or(0, |lease| lease.renewals),
            holder: lease.filter(|lease| !lease.released).map(|lease| lease.holder),
        });
    }
    let events = EventLogState {
        head: stores.log.head().await?,
        oldest: stores.log.oldest().await?,
        backlog: stores.outbox.backlog().await?,
    };
    let behind = fleet.now().minus(LATE);
    let schedules = stores.schedules.list(&StoreQuery::default()).await?.items;
    let late_schedules = schedules
        .into_iter()
        .filter(|s| s.spec.enabled && s.next_at.is_some_and(|slot| slot.due_at() < behind))
        .map(|s| s.spec.name)
        .collect();
    Ok(Stored { processes, leaders, events: Some(events), late_schedules })
}
