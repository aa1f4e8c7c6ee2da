//! What the client keeps for each worker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_domain::WorkerId;
use ccm_ports::{Controller, RemoteError};
use tokio::time::Instant;

use crate::breaker::{Breaker, BreakerOptions, Outcome};
use crate::session::Session;

/// With more workers than this, those not used for [`FORGET_AFTER`] are forgotten.
const MANY: usize = 4_096;
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// All workers the client has talked to.
#[derive(Debug, Default)]
pub(crate) struct Workers(Mutex<HashMap<WorkerId, Arc<Worker>>>);

/// One worker: its session and its breaker.
#[derive(Debug)]
pub(crate) struct Worker {
    /// What is kept counts for this address only: an instance that returns has another.
    endpoint: String,
    pub(crate) session: Session,
    breaker: Mutex<Breaker>,
    used: Mutex<Instant>,
}

impl Workers {
    /// Returns what is kept of a worker; starts anew when its address has changed.
    pub(crate) fn of(&self, at: &Controller) -> Arc<Worker> {
        let now = Instant::now();
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = workers.get(&at.worker).filter(|known| known.endpoint == at.endpoint) {
            *known.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
            return Arc::clone(known);
        }
        if workers.len() >= MANY {
            workers.retain(|_, worker| {
                let used = *worker.used.lock().unwrap_or_else(PoisonError::into_inner);
                now.duration_since(used) < FORGET_AFTER
            });
        }
        let worker = Arc::new(Worker {
            endpoint: at.endpoint.clone(),
            session: Session::default(),
            breaker: Mutex::default(),
            used: Mutex::new(now),
        });
        workers.insert(at.worker, Arc::clone(&worker));
        worker
    }
}

impl Worker {
    /// Lets a call through, or refuses it because the breaker is open.
    pub(crate) fn admit(&self) -> Result<(), RemoteError> {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.admit(Instant::now()).map_err(|rest| {
            let seconds = rest.as_secs().max(1);
            RemoteError::Unavailable(format!("left alone for {seconds} s after repeated failures"))
        })
    }

    /// Takes note of how a call ended.
    pub(crate) fn note(&self, outcome: Outcome, options: &BreakerOptions) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.note(outcome, Instant::now(), options, rand::random());
    }
}
