//! Where a sink is: its document, as last read or written by the relay that leads.
//!
//! Every write is a compare-and-set on the revision that was read. Whoever loses reads again and applies the
//! same transition to what is there; transitions about an event that the cursor has passed change nothing. So
//! two relays at once only repeat each other, and what a person asked for meanwhile is never undone.

use std::collections::BTreeSet;
use std::time::Duration;

use ccm_app::{Fleet, FleetError};
use ccm_domain::sink::SinkState;
use ccm_domain::{Sink, SinkName, Timestamp};
use ccm_ports::{Query, StoreError, Writer};
use tokio::time::Instant;

use crate::sinks::SinkSpec;

/// How often the place behind events that nobody wanted is written down. A relay that dies looks at them once
/// more, which costs less than a write for each page.
const PASSED: Duration = Duration::from_secs(1);

/// The place of one sink.
pub(crate) struct Place {
    fleet: Fleet,
    sink: Sink,
    /// The last event that was looked at; may be ahead of what is stored.
    passed: u64,
    written: Instant,
}

impl Place {
    /// Finds the document of a sink, or makes one that begins at the end of the log.
    pub(crate) async fn open(fleet: &Fleet, spec: &SinkSpec) -> Result<Self, StoreError> {
        let (stores, now) = (&fleet.stores, fleet.now());
        loop {
            let found = stores.sinks.find(spec.name.as_str()).await?;
            // After the document: the log only grows, so a cursor ahead of it is one of another log.
            let head = stores.log.head().await?;
            let Some(sink) = found else {
                let (name, types) = (spec.name.clone(), spec.types.clone());
                let sink = Sink::new(name, spec.target(), types, head, now);
                match stores.sinks.insert(&sink, &[], Writer::Intent).await {
                    Ok(()) => return Ok(Self::at(fleet.clone(), sink)),
                    Err(StoreError::Taken(_)) => continue,
                    Err(err) => return Err(err),
                }
            };
            let mut place = Self::at(fleet.clone(), sink);
            if place.sink.cursor > head {
                let (name, cursor) = (&spec.name, place.sink.cursor);
                tracing::warn!(
                    sink.cursor = cursor,
                    event.head = head,
                    "the log is younger than the sink {name}: from its end"
                );
            }
            place
                .write(|sink| {
                    sink.configure(&spec.target(), &spec.types, now);
                    sink.restart(head);
                })
                .await?;
            place.passed = place.sink.cursor;
            return Ok(place);
        }
    }

    fn at(fleet: Fleet, sink: Sink) -> Self {
        Self { fleet, passed: sink.cursor, sink, written: Instant::now() }
    }

    /// Returns the document as last read or written.
    pub(crate) const fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Returns the last event that was dealt with.
    pub(crate) fn cursor(&self) -> u64 {
        self.sink.cursor.max(self.passed)
    }

    /// Reads the document again, to see what people asked for.
    pub(crate) async fn reload(&mut self) -> Result<(), StoreError> {
        self.sink = self.fleet.stores.sinks.get(self.sink.name.as_str()).await?;
        Ok(())
    }

    /// Passes an event that is not wanted.
    pub(crate) fn pass(&mut self, seq: u64) {
        self.passed = self.passed.max(seq);
    }

    /// Writes down how far it is, unless that was done a moment ago.
    pub(crate) async fn save_soon(&mut self) -> Result<(), StoreError> {
        if self.written.elapsed() < PASSED { Ok(()) } else { self.save().await }
    }

    /// Writes down how far it is.
    pub(crate) async fn save(&mut self) -> Result<(), StoreError> {
        self.write(|_| ()).await
    }

    /// Applies a transition and writes the outcome; nothing when nothing changed.
    pub(crate) async fn write(&mut self, change: impl Fn(&mut Sink)) -> Result<(), StoreError> {
        loop {
            let mut next = self.sink.clone();
            next.pass(self.passed);
            change(&mut next);
            if next == self.sink {
                return Ok(());
            }
            next.rev += 1;
            next.updated_at = self.fleet.now();
            match self.fleet.stores.sinks.put(&next, &[], Writer::Intent).await {
                Ok(()) => {
                    self.sink = next;
                    self.passed = self.passed.max(self.sink.cursor);
                    self.written = Instant::now();
                    return Ok(());
                }
                Err(StoreError::Conflict) => self.reload().await?,
                Err(err) => return Err(err),
            }
        }
    }
}

/// Notes which sinks the configuration does not have any more.
pub(crate) async fn retire(
    fleet: &Fleet,
    configured: &BTreeSet<SinkName>,
    now: Timestamp,
) -> Result<(), FleetError> {
    let sinks = &fleet.stores.sinks;
    for sink in sinks.list(&Query::default()).await?.items {
        if configured.contains(&sink.name) || sink.state == SinkState::Unconfigured {
            continue;
        }
        let name = sink.name.as_str();
        tracing::info!("the sink {name} is not configured any more");
        let leave = |sink: &mut Sink| {
            sink.unconfigure(now);
            Ok(())
        };
        fleet.update(sinks, name, Writer::Intent, leave).await?;
    }
    Ok(())
}
