//! How much waits to be told, and since when; known while this relay leads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_app::Fleet;
use ccm_ports::EventPublisher;
use ccm_runtime::CancellationToken;
use ccm_telemetry::Meter;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What was seen last; none while another relay leads, which then tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backlog(Arc<Mutex<Option<Seen>>>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    waiting: u64,
    oldest: Duration,
    unpublished: u64,
}

impl Backlog {
    /// Makes the instruments.
    pub(crate) fn new(meter: &Meter) -> Self {
        let backlog = Self::default();
        let gauge = |name: &'static str, description: &'static str, read: fn(Seen) -> f64| {
            let backlog = backlog.clone();
            let _gauge = meter
                .f64_observable_gauge(name)
                .with_description(description)
                .with_callback(move |gauge| {
                    if let Some(seen) = *backlog.lock() {
                        gauge.observe(read(seen), &[]);
                    }
                })
                .build();
        };
        gauge("ccm_outbox_changes", "Committed changes that are not told yet", |seen| {
            seen.waiting as f64
        });
        gauge("ccm_outbox_oldest_seconds", "Age of the oldest change not told yet", |seen| {
            seen.oldest.as_secs_f64()
        });
        gauge("ccm_relay_unpublished_events", "Events in the log that the bus has not", |seen| {
            seen.unpublished as f64
        });
        backlog
    }

    /// Looks again and again until the relay leaves.
    pub(crate) async fn watch(
        &self,
        fleet: &Fleet,
        bus: &dyn EventPublisher,
        leaving: &CancellationToken,
    ) {
        // Also when this future is dropped.
        let _forget = Forget(self);
        loop {
            match look(fleet, bus).await {
                Ok(seen) => *self.lock() = Some(seen),
                Err(err) => tracing::debug!(error = format!("{err:#}"), "the backlog is not known"),
            }
            if leaving.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                return;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(fleet: &Fleet, bus: &dyn EventPublisher) -> anyhow::Result<Seen> {
    let (outbox, log) = (&fleet.stores.outbox, &fleet.stores.log);
    let oldest = outbox.pending(1).await?;
    let oldest = oldest.iter().flat_map(|document| &document.changes).next();
    Ok(Seen {
        waiting: outbox.backlog().await?,
        oldest: oldest.map_or(Duration::ZERO, |change| fleet.now().since(change.time)),
        unpublished: log.head().await?.saturating_sub(bus.last().await?),
    })
}

struct Forget<'a>(&'a Backlog);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
