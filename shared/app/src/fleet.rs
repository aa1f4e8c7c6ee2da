//! What every use case stands on.

use std::sync::Arc;

use ccm_domain::{OperationId, Timestamp, WorkerId};
use ccm_ports::{Bell, SharedClock, Stores};
use uuid::Uuid;

/// Intent: reads everything, writes what is wanted. Holds no cloud credentials.
#[derive(Clone)]
pub struct Fleet {
    /// Documents, log, leases, samples, secrets.
    pub stores: Stores,
    /// The only source of "now".
    pub clock: SharedClock,
    /// Hints to whoever has work now.
    pub bell: Arc<dyn Bell>,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}

impl Fleet {
    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a new worker id; later ones sort behind earlier ones.
    #[must_use]
    pub fn new_worker_id(&self) -> WorkerId {
        WorkerId::new(Uuid::now_v7())
    }

    /// Makes a new operation id; later ones sort behind earlier ones.
    #[must_use]
    pub fn new_operation_id(&self) -> OperationId {
        OperationId::new(Uuid::now_v7())
    }
}
