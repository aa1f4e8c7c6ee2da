//! Starting a scheduler inside a process.

use std::sync::Arc;

use ccm_app::leadership::{Leadership, LeaseTimes, Standing};
use ccm_app::{Fleet, Remotes};
use ccm_config::section::DrainSection;
use ccm_ports::LeaseRole;
use ccm_runtime::{Part, Shell};
use tokio::sync::watch;

use crate::config::JobsSection;
use crate::instruments::Instruments;
use crate::leading::Scheduling;
use crate::measured::measured;

/// What a scheduler stands on.
#[derive(Clone, Debug)]
pub struct Deps {
    /// Store, clock, bell.
    pub fleet: Fleet,
    /// AWS, controllers, ephemeral events.
    pub remotes: Remotes,
    /// Name of this process, for people.
    pub holder: String,
}

/// How a scheduler works.
#[derive(Clone, Debug)]
pub struct SchedulerConfig {
    /// First settings of the jobs' schedules; stored ones win.
    pub jobs: JobsSection,
    /// How long runs under way may take when the process stops.
    pub drain: DrainSection,
    /// Durations of the lease; for tests.
    pub lease: LeaseTimes,
}

/// A scheduler that was started.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// Whether it leads.
    pub standing: watch::Receiver<Standing>,
}

impl SchedulerConfig {
    /// Returns the configuration of a server.
    #[must_use]
    pub fn new(jobs: JobsSection, drain: DrainSection) -> Self {
        Self { jobs, drain, lease: LeaseTimes::default() }
    }
}

/// Starts a scheduler: it takes part in the election and does the work while it leads.
///
/// It leaves when the process drains, within `drain.jobs`.
pub fn start(mut deps: Deps, config: SchedulerConfig, shell: &Shell) -> Scheduler {
    let meter = shell.meter("ccm-scheduler");
    let instruments = Instruments::new(&meter, &deps.fleet);
    let tracer = shell.tracer("ccm-scheduler");
    deps.remotes = measured(deps.remotes, &meter, &tracer);
    let election = Leadership::new(
        LeaseRole::Scheduler,
        deps.holder.clone(),
        Arc::clone(&deps.fleet.stores.leases),
        Arc::clone(&deps.fleet.bell),
    )
    .with_times(config.lease);
    let standing = election.standing();
    let term = standing.clone();
    let epoch = move || term.borrow().leads().map(|epoch| epoch.0);
    ccm_telemetry::tell_epoch(&meter, LeaseRole::Scheduler.name(), epoch);
    let duty = Scheduling { deps, config, instruments, tracer };
    let (leave, hold) = (shell.draining(), shell.hold(Part::Jobs));
    shell.tasks.spawn_critical("scheduler", async move {
        election.lead(&leave, &duty).await;
        // Until here the process waits: the lease is given back.
        drop(hold);
        Ok(())
    });
    Scheduler { standing }
}
