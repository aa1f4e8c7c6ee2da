//! Waiting for the lease to be free, by watching it stand still.

use std::time::Duration;

use ccm_domain::Epoch;
use ccm_ports::{Chime, LeaseRecord, StoreError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::Leadership;

/// A process that wants to lead.
pub(super) struct Candidate<'a> {
    election: &'a Leadership,
    seen: Option<Sighting>,
}

/// A state of the lease and how long this process has known it.
struct Sighting {
    epoch: Epoch,
    renewals: u64,
    /// On the candidate's own clock, after the answer came: never before the lease was in that state.
    since: Duration,
}

/// What a look at the lease leads to.
enum Look {
    TakeFrom(Option<LeaseRecord>),
    /// Held; look again after this long at the latest.
    Held(Duration),
}

impl<'a> Candidate<'a> {
    pub(super) const fn new(election: &'a Leadership) -> Self {
        Self { election, seen: None }
    }

    /// Returns the new epoch and the moment before it was taken; `None` when `leave` came first.
    ///
    /// Only the waits are interrupted: a take-over under way is brought to its end, or the lease
    /// would be held by nobody who knows.
    pub(super) async fn acquire(mut self, leave: &CancellationToken) -> Option<(Epoch, Duration)> {
        let mut chime = self.election.bell.listen(Chime::Lease).await;
        while !leave.is_cancelled() {
            let wait = match self.look().await {
                Ok(Look::Held(wait)) => wait,
                Ok(Look::TakeFrom(record)) => match self.take(record.as_ref()).await {
                    Ok(taken) => return Some(taken),
                    // Another candidate was first; see what it made of the lease.
                    Err(StoreError::Conflict) => self.election.times.scatter,
                    Err(err) => self.failed(err),
                },
                Err(err) => self.failed(err),
            };
            leave.run_until_cancelled(self.pause(wait, &mut chime)).await;
        }
        None
    }

    async fn look(&mut self) -> Result<Look, StoreError> {
        let times = &self.election.times;
        let asked = self.election.clock.elapsed();
        let read = self.election.leases.read(self.election.role);
        let record = within(times.renew, read).await?;
        let record = match record {
            Some(record) if !record.released => record,
            free => return Ok(Look::TakeFrom(free)),
        };
        let same = self
            .seen
            .as_ref()
            .filter(|seen| (seen.epoch, seen.renewals) == (record.epoch, record.renewals));
        let Some(seen) = same else {
            let since = self.election.clock.elapsed();
            self.seen = Some(Sighting { epoch: record.epoch, renewals: record.renewals, since });
            return Ok(Look::Held(times.poll.min(times.lease)));
        };
        let stood_still = asked.saturating_sub(seen.since);
        if stood_still >= times.lease {
            return Ok(Look::TakeFrom(Some(record)));
        }
        Ok(Look::Held(times.poll.min(times.lease - stood_still)))
    }

    async fn take(&self, from: Option<&LeaseRecord>) -> Result<(Epoch, Duration), StoreError> {
        let election = self.election;
        let began = election.clock.elapsed();
        let take = election.leases.take(election.role, from, &election.holder);
        within(election.times.renew, take).await.map(|epoch| (epoch, began))
    }

    /// Waits, or less when somebody says that the lease was given back.
    async fn pause(&self, wait: Duration, chime: &mut BoxStream<'static, ()>) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // Spread, so that not all candidates ask in the same instant.
            Some(()) = chime.next() => {
                let scatter = self.election.times.scatter.mul_f64(rand::random::<f64>());
                tokio::time::sleep(scatter).await;
            }
        }
    }

    fn failed(&self, err: StoreError) -> Duration {
        let error = format!("{:#}", anyhow::Error::new(err));
        tracing::warn!(error, "cannot look at the lease of the {}", self.election.role());
        self.election.times.poll
    }
}

/// Bounds a call of the store.
async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer,
        Err(late) => Err(StoreError::Unavailable(anyhow::Error::new(late))),
    }
}
