//! The duty of the leading relay: tell at each bell, and at least once every poll; send outside beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use ccm_app::Fleet;
use ccm_app::leadership::{Duty, Term};
use ccm_domain::{Epoch, SinkName};
use ccm_ports::{Chime, EventPublisher, LeaseRole, StoreError};
use ccm_runtime::{Backoff, CancellationToken};
use ccm_telemetry::Tracer;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::backlog::Backlog;
use crate::instruments::Instruments;
use crate::sinks::SinkSpec;
use crate::traced::traced;
use crate::{Failed, Outlet, RelayConfig, SinkSection, cursor, delivery};

/// The relay's part of leadership.
pub(crate) struct Relaying {
    pub(crate) fleet: Fleet,
    pub(crate) publisher: Arc<dyn EventPublisher>,
    pub(crate) holder: String,
    pub(crate) config: RelayConfig,
    pub(crate) instruments: Instruments,
    pub(crate) backlog: Backlog,
    pub(crate) tracer: Tracer,
}

#[async_trait]
impl Duty for Relaying {
    /// Nothing to seal: unique places in the log do it, and a deposed relay only repeats.
    async fn seal(&self, _: Epoch) -> Result<(), StoreError> {
        Ok(())
    }

    async fn serve(&self, term: Term) -> anyhow::Result<()> {
        let (grown, events) = watch::channel(0);
        // Sinks leave with the term, and when the outbox is another relay's.
        let leaving = term.leaving.child_token();
        let outbox = async {
            self.tell(&term, &grown).await;
            leaving.cancel();
        };
        let sinks = Box::pin(self.deliver(events, &leaving));
        let watch = self.backlog.watch(&self.fleet, &*self.publisher, &leaving);
        tokio::join!(outbox, sinks, watch);
        Ok(())
    }
}

impl Relaying {
    /// Moves changes to the log and the bus until the term ends or another relay is at work.
    async fn tell(&self, term: &Term, grown: &watch::Sender<u64>) {
        // Before the first look, so that what is committed meanwhile rings.
        let mut bell = self.fleet.bell.listen(Chime::Outbox).await;
        self.announce(term).await;
        let stores = &self.fleet.stores;
        let mut outlet = Outlet::new(
            Arc::clone(&stores.outbox),
            traced(&stores.log, &self.tracer),
            Arc::clone(&self.publisher),
            self.config.batch,
            self.config.refill,
        );
        let mut backoff = Backoff::default();
        loop {
            let pause = match outlet.pass().await {
                Ok(told) => {
                    backoff.reset();
                    if told.logged > 0 {
                        grown.send_modify(|passes| *passes += 1);
                    }
                    if told.more && !term.leaving.is_cancelled() {
                        continue;
                    }
                    self.config.poll
                }
                Err(err @ Failed::Deposed) => {
                    tracing::warn!(leader.epoch = term.epoch.0, "{err}: this one steps down");
                    return;
                }
                Err(err @ (Failed::Store(_) | Failed::Bus(_))) => {
                    // The log may have grown all the same.
                    grown.send_modify(|passes| *passes += 1);
                    let error = format!("{:#}", anyhow::Error::new(err));
                    tracing::warn!(error, "changes were not told, trying again");
                    backoff.next_pause().min(self.config.poll)
                }
            };
            tokio::select! {
                biased;
                () = term.leaving.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                Some(()) = bell.next() => {}
            }
        }
    }

    /// Serves all sinks until the relay leaves. They run beside each other and wait for nobody but the store.
    async fn deliver(&self, events: watch::Receiver<u64>, leaving: &CancellationToken) {
        let mut specs = Vec::new();
        for section in &self.config.sinks {
            match section.read() {
                Ok(spec) => specs.push(spec),
                // Refused at start; a file that it names may have gone since.
                Err(faults) => {
                    let error = faults.join("; ");
                    let name = section.name().map(|name| name.to_string()).unwrap_or_default();
                    tracing::error!(error, "the sink {name} cannot be served");
                }
            }
        }
        let desk = delivery::Desk {
            fleet: self.fleet.clone(),
            times: self.config.delivery,
            poll: self.config.poll,
            instruments: self.instruments.clone(),
        };
        let serve =
            |spec: SinkSpec| delivery::serve(desk.clone(), spec, events.clone(), leaving.clone());
        tokio::join!(self.retire(leaving), join_all(specs.into_iter().map(serve)));
    }

    /// Notes which sinks are configured no more.
    async fn retire(&self, leaving: &CancellationToken) {
        let names: BTreeSet<SinkName> =
            self.config.sinks.iter().filter_map(SinkSection::name).collect();
        let retire = || async { Ok(cursor::retire(&self.fleet, &names, self.fleet.now()).await?) };
        ccm_runtime::retry("noting old sinks", Backoff::default(), leaving, retire).await;
    }

    /// Tells everybody who leads; whoever misses it sees the lease.
    async fn announce(&self, term: &Term) {
        let announced = self.fleet.announce_leader(LeaseRole::Relay, term.epoch, &self.holder);
        if let Err(err) = announced.await {
            let error = format!("{:#}", anyhow::Error::new(err));
            tracing::warn!(error, leader.epoch = term.epoch.0, "the new relay was not announced");
        }
    }
}
