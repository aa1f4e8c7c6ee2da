//! Read, transition, write: the one way in which an aggregate changes.
//!
//! A lost race is repeated by applying the same pure transition to what is there now. A transition that
//! changes nothing writes nothing.

use std::time::Duration;

use ccm_domain::{Command, DeadLetter, Lab, Run, Schedule, Settings, Sink, Timestamp, Worker};
use ccm_events::{Change, payload};
use ccm_ports::{Chime, Document, Leader, Process, Reply, Shared, StoreError, Writer};
use ccm_telemetry::propagate;
use rand::Rng as _;

use crate::{Fleet, FleetError, Result};

/// How often a lost race is repeated. Each loser waits a random while, so ten rounds outlast any real crowd.
const MOST_ROUNDS: u32 = 10;

/// A document that tells what happened to it.
pub trait Aggregate: Document + PartialEq {
    /// Raises the revision, notes the time and turns the recorded facts into changes.
    fn prepare(&mut self, rev: u64, now: Timestamp, traceparent: Option<&str>) -> Vec<Change>;

    /// Returns the trace context of the wish that it is on the way to fulfil.
    fn wish(&self) -> Option<&str> {
        None
    }
}

impl Aggregate for Worker {
    fn prepare(&mut self, rev: u64, now: Timestamp, traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        self.updated_at = now;
        for begun in self.operations.iter_mut().filter(|o| o.is_open() && o.traceparent.is_none()) {
            begun.traceparent = traceparent.map(str::to_owned);
        }
        let facts = self.take_facts();
        payload::worker_changes(self, &facts, now, traceparent)
    }

    fn wish(&self) -> Option<&str> {
        let open = self.open_power().into_iter().chain(self.open_license());
        open.filter_map(|operation| operation.traceparent.as_deref()).next()
    }
}

impl Aggregate for Lab {
    fn prepare(&mut self, rev: u64, now: Timestamp, traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        let facts = self.take_facts();
        payload::lab_changes(self, &facts, now, traceparent)
    }
}

impl Aggregate for Schedule {
    fn prepare(&mut self, rev: u64, now: Timestamp, traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        if self.triggered.is_some() {
            let asked = self.triggered_in.take();
            self.triggered_in = asked.or_else(|| traceparent.map(str::to_owned));
        } else if self.open.is_none() {
            self.triggered_in = None;
        }
        let facts = self.take_facts();
        payload::schedule_changes(self, &facts, now, traceparent)
    }
}

/// Only failures are told durably; the scheduler tells starts and ends itself, see `payload::run_moments`.
impl Aggregate for Run {
    fn prepare(&mut self, rev: u64, now: Timestamp, traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        let facts = self.take_facts();
        payload::run_changes(self, &facts, now, traceparent)
    }

    fn wish(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }
}

/// A command tells nothing itself: what it does is told by the worker, lab or run that it moves.
impl Aggregate for Command {
    fn prepare(&mut self, rev: u64, _now: Timestamp, traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        self.traceparent = self.traceparent.take().or_else(|| traceparent.map(str::to_owned));
        Vec::new()
    }
}

impl Aggregate for Reply {
    fn prepare(&mut self, rev: u64, _now: Timestamp, _traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        Vec::new()
    }
}

/// Seen by whoever looks; that it is still there is no news.
impl Aggregate for Process {
    fn prepare(&mut self, rev: u64, _now: Timestamp, _traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        Vec::new()
    }
}

/// Tells nothing: what is told goes to the sinks, and one that fails would then be told of its failures.
impl Aggregate for Sink {
    fn prepare(&mut self, rev: u64, now: Timestamp, _traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        self.updated_at = now;
        Vec::new()
    }
}

/// Tells nothing, as its sink.
impl Aggregate for DeadLetter {
    fn prepare(&mut self, rev: u64, _now: Timestamp, _traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        Vec::new()
    }
}

/// Written only when another term began, so every write is news.
impl Aggregate for Leader {
    fn prepare(&mut self, rev: u64, now: Timestamp, _traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        self.since = now;
        vec![payload::leader_change(self.role.name(), self.epoch, &self.holder, now)]
    }
}

impl Aggregate for Settings {
    fn prepare(&mut self, rev: u64, now: Timestamp, traceparent: Option<&str>) -> Vec<Change> {
        self.rev = rev;
        let told = |fact: &_| payload::settings_changes(fact, now, traceparent);
        self.take_facts().iter().flat_map(told).collect()
    }
}

impl Fleet {
    /// Adds a new aggregate with what it has to tell.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when its key or a unique key exists.
    pub async fn insert<A: Aggregate>(
        &self,
        all: &Shared<A>,
        doc: &mut A,
        by: Writer,
    ) -> Result<()> {
        let changes = doc.prepare(1, self.clock.now(), cause(&[&*doc], by).as_deref());
        all.insert(doc, &changes, by).await?;
        self.ring_for(&changes).await;
        Ok(())
    }

    /// Applies a pure transition and writes the outcome, repeating it when somebody else was first.
    ///
    /// Returns the aggregate as it now is, and what the transition returned.
    ///
    /// # Errors
    /// What the transition refuses with; [`StoreError::Stale`] for a deposed leader;
    /// [`FleetError::Contended`] after ten lost races.
    pub async fn update<A: Aggregate, R>(
        &self,
        all: &Shared<A>,
        key: &str,
        by: Writer,
        mut transition: impl FnMut(&mut A) -> Result<R> + Send,
    ) -> Result<(A, R)>
    where
        R: Send,
    {
        for round in 0..MOST_ROUNDS {
            let before = all.get(key).await?;
            let mut doc = before.clone();
            let outcome = transition(&mut doc)?;
            if doc == before {
                return Ok((before, outcome));
            }
            // What ends with this write is looked for where it was still under way.
            let cause = cause(&[&before, &doc], by);
            let changes = doc.prepare(before.rev() + 1, self.clock.now(), cause.as_deref());
            match all.put(&doc, &changes, by).await {
                Ok(()) => {
                    self.ring_for(&changes).await;
                    return Ok((doc, outcome));
                }
                Err(StoreError::Conflict) => lose(round).await,
                Err(
                    err @ (StoreError::NotFound(_)
                    | StoreError::Taken(_)
                    | StoreError::Stale
                    | StoreError::Corrupt(_)
                    | StoreError::Unavailable(_)),
                ) => return Err(err.into()),
            }
        }
        Err(FleetError::Contended(A::NOUN))
    }

    async fn ring_for(&self, changes: &[Change]) {
        if !changes.is_empty() {
            self.bell.ring(Chime::Outbox).await;
        }
    }
}

async fn lose(round: u32) {
    let most = 2_u64 << round.min(7);
    let pause = rand::rng().random_range(0..=most);
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

/// Returns the W3C trace context of what causes a change.
///
/// For who asks it is the request. A leader sees in one sweep what came of the wishes of many: what it sees
/// belongs to the wish, so that a click and what it leads to are one trace.
fn cause<A: Aggregate>(seen: &[&A], by: Writer) -> Option<String> {
    let here = propagate::current();
    if by == Writer::Intent {
        return here;
    }
    let wish = seen.iter().find_map(|doc| doc.wish());
    match (here, wish) {
        (here, None) => here,
        (None, Some(wish)) => Some(wish.to_owned()),
        (Some(here), Some(wish)) => {
            let is_it = propagate::trace_id(&here) == propagate::trace_id(wish);
            Some(if is_it { here } else { wish.to_owned() })
        }
    }
}
