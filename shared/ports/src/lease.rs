//! Leadership: one lease document per role, epochs by compare-and-set, a seal before the first act.
//!
//! No moment of two machines is ever compared; how long a lease stood still is measured by each candidate
//! on its own monotonic clock (see `docs/adr/0004-lease-and-seal.md`).

use async_trait::async_trait;
use ccm_domain::{Command, Epoch, Lab, Run, Schedule, Worker};
use serde::{Deserialize, Serialize};

use crate::{Document, StoreError};

/// The collections that a scheduler writes as a leader, and that a seal therefore reaches.
pub const SEALED: &[&str] = &[
    Worker::COLLECTION,
    Lab::COLLECTION,
    Schedule::COLLECTION,
    Run::COLLECTION,
    Command::COLLECTION,
];

/// What a lease is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseRole {
    /// Runs jobs, talks to AWS and CML.
    Scheduler,
    /// Moves committed changes to the log and the bus.
    Relay,
}

impl LeaseRole {
    /// All roles.
    pub const ALL: &[Self] = &[Self::Scheduler, Self::Relay];

    /// Returns the role's word, which is also the key of its lease.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Relay => "relay",
        }
    }
}

/// A lease as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The role.
    pub role: LeaseRole,
    /// Grows with every take-over.
    pub epoch: Epoch,
    /// Name of the holding process, for people; never compared.
    pub holder: String,
    /// Grows with every renewal.
    pub renewals: u64,
    /// Given back; anybody may take over at once.
    pub released: bool,
}

/// Keeps leases and seals. Adapters pass `contract::lease`.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Reads a lease; `None` before the first take-over.
    async fn read(&self, role: LeaseRole) -> Result<Option<LeaseRecord>, StoreError>;

    /// Takes over from exactly the state that was read (`None`: there was no lease) and returns the new epoch.
    ///
    /// [`StoreError::Conflict`] when the lease is not at that `(epoch, renewals)` any more.
    async fn take(
        &self,
        role: LeaseRole,
        seen: Option<&LeaseRecord>,
        holder: &str,
    ) -> Result<Epoch, StoreError>;

    /// Renews; [`StoreError::Stale`] when another epoch holds the lease or it was given back.
    async fn renew(&self, role: LeaseRole, epoch: Epoch) -> Result<(), StoreError>;

    /// Gives the lease back, harmless when repeated; [`StoreError::Stale`] when another epoch holds it.
    async fn release(&self, role: LeaseRole, epoch: Epoch) -> Result<(), StoreError>;

    /// Raises the guard of every document in [`SEALED`] collections to `epoch`; returns how many were below.
    ///
    /// Afterwards no write of an older epoch matches anything. Repeated with every sweep.
    async fn seal(&self, epoch: Epoch) -> Result<u64, StoreError>;
}
