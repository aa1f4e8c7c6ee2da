//! All workers as they are, behind a known event.
//!
//! The hub's position is taken before the workers are read, so whatever they do not show yet is told
//! afterwards; what is told again is known by its `rev`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use ccm_app::{Fleet, WorkerFilter};
use ccm_domain::{Actor, ActorKind, Role, WorkerId};
use ccm_events::{Kind, Subject};
use ccm_fanout::{Filter, Hub, frame};
use ccm_ports::{MOST_ITEMS, Query};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Mutex;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Workers of one part; keeps the parts of a large fleet small enough to be drawn as they come.
const PART: usize = 100;
/// How long a snapshot may be shared: long enough for a storm of new readers, too short to be seen.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// Reads every worker that streams show, as the API shows it.
pub(crate) type Source =
    Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<Value>>> + Send + Sync>;

/// Reads the workers that the REST list shows by default.
pub(crate) fn workers_of(fleet: &Fleet) -> Source {
    let fleet = fleet.clone();
    Arc::new(move || {
        let fleet = fleet.clone();
        Box::pin(async move {
            // What each reader may see of them is decided when they are framed.
            let reader = Actor::new(ActorKind::Job, "streams", [Role::Viewer]);
            let mut workers = Vec::new();
            let mut page = Query::default().limit(MOST_ITEMS);
            loop {
                let found =
                    fleet.list_workers(&reader, &WorkerFilter::default(), page.clone()).await?;
                for worker in &found.items {
                    workers.push(serde_json::to_value(worker.view()).context("show a worker")?);
                }
                match found.next {
                    None => return Ok(workers),
                    next => page = page.after(next),
                }
            }
        })
    })
}

/// The workers at one moment.
pub(super) struct Snapshot {
    /// The last event told before the workers were read.
    cursor: u64,
    read: Instant,
    workers: Vec<(WorkerId, Box<RawValue>)>,
}

/// Makes snapshots, one at a time and for all who wait.
pub(super) struct Snapshots {
    hub: Hub,
    source: Source,
    latest: Mutex<Option<Arc<Snapshot>>>,
}

#[derive(Serialize)]
struct Part<'a> {
    cursor: u64,
    part: usize,
    of: usize,
    workers: Vec<&'a RawValue>,
}

impl Snapshots {
    pub(super) fn new(hub: Hub, source: Source) -> Self {
        Self { hub, source, latest: Mutex::default() }
    }

    /// Returns a snapshot that was read after the event `cursor` was told.
    pub(super) async fn since(&self, cursor: u64) -> anyhow::Result<Arc<Snapshot>> {
        let mut latest = self.latest.lock().await;
        if let Some(known) = &*latest
            && known.cursor >= cursor
            && known.read.elapsed() < SHARED_FOR
        {
            return Ok(Arc::clone(known));
        }
        let (cursor, read) = (self.hub.last(), Instant::now());
        let workers = (self.source)().await?;
        let workers = workers.iter().filter_map(|worker| {
            let id = worker.get("id")?.as_str()?.parse().ok()?;
            Some((id, to_raw_value(worker).ok()?))
        });
        let fresh = Arc::new(Snapshot { cursor, read, workers: workers.collect() });
        *latest = Some(Arc::clone(&fresh));
        Ok(fresh)
    }
}

impl Snapshot {
    /// Frames what passes the filter, in parts. The last one moves the reader's cursor to `cursor`: who is
    /// cut off before it has nothing to continue from, and gets a snapshot again.
    pub(super) fn frames(&self, cursor: u64, filter: &Filter) -> Vec<Bytes> {
        let shown = |id: WorkerId| {
            filter.wants_worker(id)
                && filter.may_see(Kind::WorkerDetailsChanged, &Subject::Worker(id))
        };
        let workers: Vec<&RawValue> =
            self.workers.iter().filter(|(id, _)| shown(*id)).map(|(_, json)| &**json).collect();
        let of = workers.len().div_ceil(PART).max(1);
        let frame = |nth: usize| {
            let workers = workers.iter().skip(nth * PART).take(PART).copied().collect();
            let part = nth + 1;
            let id = (part == of).then_some(cursor);
            frame::control(id, "snapshot", &Part { cursor, part, of, workers })
        };
        (0..of).map(frame).collect()
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshots").finish_non_exhaustive()
    }
}
