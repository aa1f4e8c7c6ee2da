//! Starting a relay inside a process.

use std::sync::Arc;

use ccm_app::Fleet;
use ccm_app::leadership::{Leadership, Standing};
use ccm_ports::{EventPublisher, LeaseRole};
use ccm_runtime::{Part, Shell};
use tokio::sync::watch;

use crate::RelayConfig;
use crate::backlog::Backlog;
use crate::instruments::Instruments;
use crate::leading::Relaying;

/// What a relay stands on.
#[derive(Clone)]
pub struct Deps {
    /// Store, clock, bell.
    pub fleet: Fleet,
    /// The bus.
    pub publisher: Arc<dyn EventPublisher>,
    /// Name of this process, for people.
    pub holder: String,
}

/// A relay that was started.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Whether it leads.
    pub standing: watch::Receiver<Standing>,
}

/// Starts a relay: it takes part in the election and tells changes while it leads.
///
/// It leaves when the process drains, after the batch under way.
pub fn start(deps: Deps, config: RelayConfig, shell: &Shell) -> Relay {
    let Deps { fleet, publisher, holder } = deps;
    let election = Leadership::new(
        LeaseRole::Relay,
        holder.clone(),
        Arc::clone(&fleet.stores.leases),
        Arc::clone(&fleet.bell),
    )
    .with_times(config.lease);
    let standing = election.standing();
    let meter = shell.meter("ccm-relay");
    let term = standing.clone();
    let epoch = move || term.borrow().leads().map(|epoch| epoch.0);
    ccm_telemetry::tell_epoch(&meter, LeaseRole::Relay.name(), epoch);
    let instruments = Instruments::new(&meter);
    let backlog = Backlog::new(&meter);
    let tracer = shell.tracer("ccm-relay");
    let duty = Relaying { fleet, publisher, holder, config, instruments, backlog, tracer };
    let (leave, hold) = (shell.draining(), shell.hold(Part::Jobs));
    shell.tasks.spawn_critical("relay", async move {
        election.lead(&leave, &duty).await;
        // Until here the process waits: the lease is given back.
        drop(hold);
        Ok(())
    });
    Relay { standing }
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").field("holder", &self.holder).finish_non_exhaustive()
    }
}
