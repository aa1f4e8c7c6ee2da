//! The duty of the leading relay: tell at each bell, and at least once every poll.

use std::sync::Arc;

use async_trait::async_trait;
use ccm_app::Fleet;
use ccm_app::leadership::{Duty, Term};
use ccm_domain::Epoch;
use ccm_ports::{Chime, EventPublisher, LeaseRole, StoreError};
use ccm_runtime::Backoff;
use futures_util::StreamExt;

use crate::{Failed, Outlet, RelayConfig};

/// The relay's part of leadership.
pub(crate) struct Relaying {
    pub(crate) fleet: Fleet,
    pub(crate) publisher: Arc<dyn EventPublisher>,
    pub(crate) holder: String,
    pub(crate) config: RelayConfig,
}

#[async_trait]
impl Duty for Relaying {
    /// Nothing to seal: unique places in the log do it, and a deposed relay only repeats.
    async fn seal(&self, _: Epoch) -> Result<(), StoreError> {
        Ok(())
    }

    async fn serve(&self, term: Term) -> anyhow::Result<()> {
        // Before the first look, so that what is committed meanwhile rings.
        let mut bell = self.fleet.bell.listen(Chime::Outbox).await;
        self.announce(&term).await;
        let stores = &self.fleet.stores;
        let mut outlet = Outlet::new(
            Arc::clone(&stores.outbox),
            Arc::clone(&stores.log),
            Arc::clone(&self.publisher),
            self.config.batch,
            self.config.refill,
        );
        let mut backoff = Backoff::default();
        loop {
            let pause = match outlet.pass().await {
                Ok(told) => {
                    backoff.reset();
                    if told.taken >= self.config.batch && !term.leaving.is_cancelled() {
                        continue;
                    }
                    self.config.poll
                }
                Err(err @ Failed::Deposed) => {
                    tracing::warn!(leader.epoch = term.epoch.0, "{err}: this one steps down");
                    return Ok(());
                }
                Err(err @ (Failed::Store(_) | Failed::Bus(_))) => {
                    let error = format!("{:#}", anyhow::Error::new(err));
                    tracing::warn!(error, "changes were not told, trying again");
                    backoff.next_pause().min(self.config.poll)
                }
            };
            tokio::select! {
                biased;
                () = term.leaving.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
                Some(()) = bell.next() => {}
            }
        }
    }
}

impl Relaying {
    /// Tells everybody who leads; whoever misses it sees the lease.
    async fn announce(&self, term: &Term) {
        let announced = self.fleet.announce_leader(LeaseRole::Relay, term.epoch, &self.holder);
        if let Err(err) = announced.await {
            let error = format!("{:#}", anyhow::Error::new(err));
            tracing::warn!(error, leader.epoch = term.epoch.0, "the new relay was not announced");
        }
    }
}
