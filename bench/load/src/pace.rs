//! Writes at a given rate, whatever the answers do: a slow answer delays no other write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rest::Rest;

/// Requests under way; the API turns more than 256 away.
const MOST_AT_ONCE: usize = 200;

/// A committed change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) worker: Uuid,
    pub(crate) rev: u64,
    /// When it should have been sent, when it was, and when the commit was acknowledged.
    pub(crate) due: Instant,
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// What became of all writes.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) done: Vec<Write>,
    pub(crate) failed: Vec<anyhow::Error>,
}

impl Written {
    /// Returns how many commits were acknowledged in a second.
    pub(crate) fn rate(&self) -> f64 {
        let first = self.done.iter().map(|write| write.sent).min();
        let last = self.done.iter().map(|write| write.answered).max();
        let span = first.zip(last).map_or(Duration::MAX, |(first, last)| last - first);
        self.done.len() as f64 / span.as_secs_f64()
    }
}

/// Writes `count` changes, `rate` in a second, to one worker after the other.
pub(crate) async fn write(
    rest: &Rest,
    workers: &[Uuid],
    rate: u32,
    count: u32,
) -> anyhow::Result<Written> {
    let seats = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let mut writes = JoinSet::new();
    let begun = Instant::now();
    for (n, worker) in (0..count).zip(workers.iter().cycle().copied()) {
        let due = begun + Duration::from_secs(1) * n / rate;
        tokio::time::sleep_until(due.into()).await;
        let seat = Arc::clone(&seats).acquire_owned().await.context("no seats")?;
        let rest = rest.clone();
        writes.spawn(async move {
            let sent = Instant::now();
            let rev = rest.change(worker, &format!("bench-{n}")).await?;
            let answered = Instant::now();
            drop(seat);
            anyhow::Ok(Write { worker, rev, due, sent, answered })
        });
    }
    let mut written = Written::default();
    while let Some(write) = writes.join_next().await {
        match write? {
            Ok(write) => written.done.push(write),
            Err(err) => written.failed.push(err),
        }
    }
    Ok(written)
}
