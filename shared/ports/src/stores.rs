//! All ports of one store in one value.

use std::sync::Arc;

use ccm_domain::{Command, DeadLetter, Lab, Run, Schedule, Settings, Sink, Worker};

use crate::{
    Collection, EventLog, Leader, LeaseStore, Login, Outbox, Process, Receipt, Reply, SampleStore,
    SecretStore, Shared, StoreProbe,
};

/// Everything that a store keeps; cheap to clone.
#[derive(Clone)]
pub struct Stores {
    /// Workers.
    pub workers: Shared<Worker>,
    /// Labs.
    pub labs: Shared<Lab>,
    /// Schedules.
    pub schedules: Shared<Schedule>,
    /// Runs.
    pub runs: Shared<Run>,
    /// Commands.
    pub commands: Shared<Command>,
    /// Answers to requests with an idempotency key.
    pub replies: Shared<Reply>,
    /// The one settings document.
    pub settings: Shared<Settings>,
    /// Who led each role last.
    pub leaders: Shared<Leader>,
    /// Every process of the product.
    pub processes: Shared<Process>,
    /// Where events are sent outside.
    pub sinks: Shared<Sink>,
    /// Events that a sink never took.
    pub dead_letters: Shared<DeadLetter>,
    /// Events from outside that were dealt with.
    pub receipts: Shared<Receipt>,
    /// Who is logged in with a browser.
    pub logins: Shared<Login>,
    /// Leases and seals.
    pub leases: Arc<dyn LeaseStore>,
    /// Committed changes that wait to be told.
    pub outbox: Arc<dyn Outbox>,
    /// The log of everything told.
    pub log: Arc<dyn EventLog>,
    /// History of load.
    pub samples: Arc<dyn SampleStore>,
    /// Short-lived secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// Whether the store is there.
    pub probe: Arc<dyn StoreProbe>,
}

impl Stores {
    /// Returns the ports of a store that has all of them.
    #[must_use]
    pub fn of<S>(store: S) -> Self
    where
        S: Collection<Worker> + Collection<Lab> + Collection<Schedule> + Collection<Run>,
        S: Collection<Command> + Collection<Reply> + Collection<Settings> + Collection<Leader>,
        S: Collection<Process> + Collection<Sink> + Collection<DeadLetter> + Collection<Receipt>,
        S: Collection<Login>,
        S: LeaseStore + Outbox + EventLog + SampleStore + SecretStore + StoreProbe + 'static,
    {
        let all = Arc::new(store);
        Self {
            workers: all.clone(),
            labs: all.clone(),
            schedules: all.clone(),
            runs: all.clone(),
            commands: all.clone(),
            replies: all.clone(),
            settings: all.clone(),
            leaders: all.clone(),
            processes: all.clone(),
            sinks: all.clone(),
            dead_letters: all.clone(),
            receipts: all.clone(),
            logins: all.clone(),
            leases: all.clone(),
            outbox: all.clone(),
            log: all.clone(),
            samples: all.clone(),
            secrets: all.clone(),
            probe: all,
        }
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}
