//! One leader per role: take the lease, seal, work while trusted, hand over.
//!
//! A *candidate* watches the lease. A *term* begins with a take-over and has an epoch that nobody else
//! ever has. *Trust* is how long the leader may go on after its last successful renewal; it ends well
//! before any candidate may take over.
//!
//! **Invariant:** the duty is served only after the seal of the same epoch succeeded.
//! **Invariant:** when trust ends, [`Term::over`] is cancelled before anything else happens, and then
//! the duty's future is dropped.
//! **Invariant:** nothing here reads a wall clock or compares times of two machines. Timers decide only
//! how soon a change of leader happens, never whether it is safe: that is the work of the seal and the
//! guards, which `model` explores (see also `docs/adr/0004-lease-and-seal.md`).

mod candidate;
mod clock;
#[cfg(test)]
mod model;
mod term;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ccm_domain::Epoch;
use ccm_ports::{Bell, Chime, LeaseRole, LeaseStore, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::candidate::Candidate;
pub use self::clock::{BootTime, Monotonic, TimerTime};
use self::term::Lost;
pub use self::term::Term;

/// How long the phases of a lease take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Between two renewals, and the longest that one call of the store may take.
    pub renew: Duration,
    /// From the start of a successful renewal until the leader stops trusting itself.
    pub trust: Duration,
    /// How long a lease must stand still before a candidate takes over.
    pub lease: Duration,
    /// Between two looks of a candidate.
    pub poll: Duration,
    /// The longest random wait of a candidate that heard that the lease was given back.
    pub scatter: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(2),
            trust: Duration::from_secs(4),
            lease: Duration::from_secs(6),
            poll: Duration::from_secs(1),
            scatter: Duration::from_millis(50),
        }
    }
}

/// What a leader does.
#[async_trait]
pub trait Duty: Send + Sync {
    /// Makes sure that no older leader can write any more. Runs before anything else; may be repeated.
    async fn seal(&self, epoch: Epoch) -> Result<(), StoreError>;

    /// Leads until [`Term::leaving`] is cancelled, then finishes what is under way and returns.
    ///
    /// Dropped at the end of trust, so a dropped future must leave nothing half done that the next
    /// leader does not repair. Returning earlier gives the lease back, with or without an error.
    async fn serve(&self, term: Term) -> anyhow::Result<()>;
}

/// Where this process stands in a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Another process leads, or nobody.
    #[default]
    Candidate,
    /// Took over and is sealing.
    Sealing(Epoch),
    /// Leads.
    Leading(Epoch),
}

impl Standing {
    /// Returns the epoch of the term that is led, if one is.
    #[must_use]
    pub const fn leads(self) -> Option<Epoch> {
        match self {
            Self::Leading(epoch) => Some(epoch),
            Self::Candidate | Self::Sealing(_) => None,
        }
    }
}

/// The part of one process in the election for one role.
pub struct Leadership {
    role: LeaseRole,
    holder: String,
    leases: Arc<dyn LeaseStore>,
    bell: Arc<dyn Bell>,
    clock: Arc<dyn Monotonic>,
    times: LeaseTimes,
    standing: watch::Sender<Standing>,
}

/// How a term came to its end.
enum Ended {
    Lost(Lost),
    Returned(anyhow::Result<()>),
}

impl Leadership {
    /// Returns a candidate for `role`; `holder` names this process to people.
    #[must_use]
    pub fn new(
        role: LeaseRole,
        holder: impl Into<String>,
        leases: Arc<dyn LeaseStore>,
        bell: Arc<dyn Bell>,
    ) -> Self {
        Self {
            role,
            holder: holder.into(),
            leases,
            bell,
            clock: Arc::new(BootTime),
            times: LeaseTimes::default(),
            standing: watch::Sender::default(),
        }
    }

    /// Replaces the durations.
    #[must_use]
    pub fn with_times(mut self, times: LeaseTimes) -> Self {
        self.times = times;
        self
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Monotonic>) -> Self {
        self.clock = clock;
        self
    }

    /// Tells where this process stands, from now on.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Takes part in the election and serves `duty` in each term won, until `leave` is cancelled.
    ///
    /// Returns when the duty has ended and the lease is given back. The caller bounds how long the
    /// duty may take to end.
    pub async fn lead(&self, leave: &CancellationToken, duty: &dyn Duty) {
        loop {
            let candidate = Candidate::new(self);
            let Some((epoch, began)) = candidate.acquire(leave).await else { return };
            if leave.is_cancelled() {
                return self.release(epoch).await;
            }
            let term = Term::new(epoch, leave.clone(), Arc::clone(&self.clock));
            term.trust_until(began + self.times.trust);
            let ended = self.hold(&term, duty).await;
            self.standing.send_replace(Standing::Candidate);
            self.close(&term, ended).await;
            // Whoever gave up leaves the others a chance to be first.
            if leave.run_until_cancelled(tokio::time::sleep(self.times.poll)).await.is_none() {
                return;
            }
        }
    }

    /// Serves the duty while the term is trusted.
    async fn hold(&self, term: &Term, duty: &dyn Duty) -> Ended {
        let serve = async {
            self.standing.send_replace(Standing::Sealing(term.epoch));
            self.seal(term, duty).await?;
            self.standing.send_replace(Standing::Leading(term.epoch));
            tracing::info!(
                leader.epoch = term.epoch.0,
                "{} leads the {}",
                self.holder,
                self.role()
            );
            duty.serve(term.clone()).await
        };
        tokio::select! {
            biased;
            // Cancels `term.over` before it returns, so before `serve` is dropped.
            lost = term.keep(&*self.leases, self.role, self.times) => Ended::Lost(lost),
            done = serve => {
                term.over.cancel();
                Ended::Returned(done)
            }
        }
    }

    /// Repeats the seal until it is complete; only another leader or the end of trust stops it.
    async fn seal(&self, term: &Term, duty: &dyn Duty) -> anyhow::Result<()> {
        loop {
            match duty.seal(term.epoch).await {
                Ok(()) => return Ok(()),
                Err(stale @ StoreError::Stale) => {
                    return Err(anyhow::Error::new(stale).context("seal"));
                }
                Err(
                    err @ (StoreError::NotFound(_)
                    | StoreError::Conflict
                    | StoreError::Taken(_)
                    | StoreError::Corrupt(_)
                    | StoreError::Unavailable(_)),
                ) => {
                    let error = format!("{:#}", anyhow::Error::new(err));
                    tracing::warn!(error, "the {} could not seal, trying again", self.role());
                    tokio::time::sleep(self.times.retry()).await;
                }
            }
        }
    }

    /// Says how the term ended and gives the lease back, unless another process has it already.
    async fn close(&self, term: &Term, ended: Ended) {
        let (role, epoch) = (self.role(), term.epoch);
        match ended {
            Ended::Lost(Lost::Deposed) => {
                tracing::warn!(leader.epoch = epoch.0, "another process leads the {role}");
                return;
            }
            Ended::Lost(Lost::TrustEnded) => {
                tracing::warn!(leader.epoch = epoch.0, "the {role} could not renew and stopped");
            }
            Ended::Returned(Ok(())) => {
                tracing::info!(leader.epoch = epoch.0, "the {role} hands over");
            }
            Ended::Returned(Err(err)) => {
                let error = format!("{err:#}");
                tracing::error!(leader.epoch = epoch.0, error, "the {role} failed and hands over");
            }
        }
        self.release(epoch).await;
    }

    /// Gives the lease back and rings. The duty has ended: if this fails, the others only wait longer.
    async fn release(&self, epoch: Epoch) {
        let release = self.leases.release(self.role, epoch);
        match tokio::time::timeout(self.times.renew, release).await {
            Ok(Ok(())) => self.bell.ring(Chime::Lease).await,
            Ok(Err(err)) => {
                let error = format!("{:#}", anyhow::Error::new(err));
                tracing::warn!(error, "the lease of the {} was not given back", self.role());
            }
            Err(_) => tracing::warn!("the lease of the {} was not given back in time", self.role()),
        }
    }

    const fn role(&self) -> &'static str {
        self.role.name()
    }
}

impl LeaseTimes {
    /// Returns the pause after a failed call: short against trust.
    fn retry(&self) -> Duration {
        self.renew / 8
    }
}

impl std::fmt::Debug for Leadership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leadership")
            .field("role", &self.role)
            .field("holder", &self.holder)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}
