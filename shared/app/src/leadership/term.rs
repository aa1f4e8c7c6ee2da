//! A term: renewing, and knowing when to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ccm_domain::Epoch;
use ccm_ports::{LeaseRole, LeaseStore, StoreError};
use tokio_util::sync::CancellationToken;

use super::{LeaseTimes, Monotonic};

/// The longest time between two looks at the clock, since timers stand still while a machine sleeps.
const LOOK: Duration = Duration::from_millis(250);

/// The time of one leader. Cheap to clone; every task of the leader gets one.
#[derive(Clone, Debug)]
pub struct Term {
    /// Goes with every write.
    pub epoch: Epoch,
    /// Cancelled when the leader must not act any more.
    pub over: CancellationToken,
    /// Cancelled when the process wants to hand over: start nothing, finish what is under way.
    pub leaving: CancellationToken,
    trust: Arc<Trust>,
}

#[derive(Debug)]
struct Trust {
    clock: Arc<dyn Monotonic>,
    /// Nanoseconds on `clock`.
    until: AtomicU64,
}

/// Why a term ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Another epoch holds the lease.
    Deposed,
    /// No renewal succeeded in time.
    TrustEnded,
}

impl Term {
    pub(super) fn new(epoch: Epoch, leaving: CancellationToken, clock: Arc<dyn Monotonic>) -> Self {
        let trust = Arc::new(Trust { clock, until: AtomicU64::new(0) });
        Self { epoch, over: CancellationToken::new(), leaving, trust }
    }

    /// Returns how long the leader may still act without another renewal; zero when it may not.
    ///
    /// Ask before an act that no store can fence, and act only if it takes less.
    #[must_use]
    pub fn trusted(&self) -> Duration {
        if self.over.is_cancelled() {
            return Duration::ZERO;
        }
        let until = Duration::from_nanos(self.trust.until.load(Ordering::Acquire));
        until.saturating_sub(self.trust.clock.elapsed())
    }

    pub(super) fn trust_until(&self, until: Duration) {
        let nanos = u64::try_from(until.as_nanos()).unwrap_or(u64::MAX);
        self.trust.until.fetch_max(nanos, Ordering::AcqRel);
    }

    /// Renews until the term is lost; `over` is cancelled when this returns.
    pub(super) async fn keep(
        &self,
        leases: &dyn LeaseStore,
        role: LeaseRole,
        times: LeaseTimes,
    ) -> Lost {
        let lost = tokio::select! {
            biased;
            () = self.watch() => Lost::TrustEnded,
            () = self.renew(leases, role, times) => Lost::Deposed,
        };
        self.over.cancel();
        lost
    }

    /// Waits for the end of trust.
    async fn watch(&self) {
        loop {
            let left = self.trusted();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }

    /// Renews for ever; returns when another epoch holds the lease.
    async fn renew(&self, leases: &dyn LeaseStore, role: LeaseRole, times: LeaseTimes) {
        let mut pause = times.renew;
        loop {
            tokio::time::sleep(pause).await;
            // Trust counts from before the request: the answer may be late, the renewal is not.
            let began = self.trust.clock.elapsed();
            let renewal = leases.renew(role, self.epoch);
            pause = match tokio::time::timeout(times.renew, renewal).await {
                // A renewal that succeeded after trust ended is no renewal: others may have acted.
                Ok(Ok(())) if self.trusted().is_zero() => return std::future::pending().await,
                Ok(Ok(())) => {
                    self.trust_until(began + times.trust);
                    let taken = self.trust.clock.elapsed().saturating_sub(began);
                    times.renew.saturating_sub(taken)
                }
                Ok(Err(StoreError::Stale)) => return,
                Ok(Err(
                    err @ (StoreError::NotFound(_)
                    | StoreError::Conflict
                    | StoreError::Taken(_)
                    | StoreError::Corrupt(_)
                    | StoreError::Unavailable(_)),
                )) => {
                    let error = format!("{:#}", anyhow::Error::new(err));
                    tracing::warn!(error, "the lease of the {} was not renewed", role.name());
                    times.retry()
                }
                Err(_) => {
                    tracing::warn!("the lease of the {} was not renewed in time", role.name());
                    Duration::ZERO
                }
            };
        }
    }
}
