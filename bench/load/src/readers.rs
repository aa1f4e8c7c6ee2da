//! Readers who listen to everything and note when which event arrived.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rest::Rest;
use crate::sse::{self, Block};

/// How long a reader may take until its snapshot is complete, and to come to the end of the log.
const PATIENCE: Duration = Duration::from_secs(30);

/// The event of a change of what is wanted.
const CHANGED: &str = "worker.spec_changed";

/// What a reader heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Events by their numbers, as they came.
    pub(crate) arrivals: Vec<(u64, Instant)>,
    /// Which of them told which revision of which worker. One reader looks, for all.
    pub(crate) changes: Vec<(u64, Uuid, u64)>,
    /// Events that came twice, late or not at all.
    pub(crate) faults: u64,
    /// The number of the last event.
    pub(crate) last: u64,
}

/// Readers at work.
#[derive(Debug)]
pub(crate) struct Readers {
    tasks: JoinSet<anyhow::Result<Heard>>,
    until: watch::Sender<Option<u64>>,
}

#[derive(Deserialize)]
struct Envelope {
    data: Payload,
}

#[derive(Deserialize)]
struct Payload {
    id: Uuid,
    rev: u64,
}

#[derive(Deserialize)]
struct Part {
    part: u64,
    of: u64,
}

impl Readers {
    /// Opens `count` streams, in turn at each address, and returns when all have their snapshots.
    pub(crate) async fn open(doors: &[Rest], count: usize) -> anyhow::Result<Self> {
        let (until, end) = watch::channel(None);
        let (ready, mut is_ready) = mpsc::channel(count);
        let mut tasks = JoinSet::new();
        for (n, door) in (0..count).zip(doors.iter().cycle().cloned()) {
            tasks.spawn(read(door, n == 0, ready.clone(), end.clone()));
        }
        drop(ready);
        for _ in 0..count {
            let next = tokio::time::timeout(PATIENCE, is_ready.recv()).await;
            if !matches!(next, Ok(Some(()))) {
                // The first that ended says why.
                let ended = tasks.join_next().await.context("no reader")??;
                ended.context("a stream did not begin")?;
                bail!("a stream did not begin");
            }
        }
        Ok(Self { tasks, until })
    }

    /// Lets all readers hear the events up to `last`, and returns what they heard; the one that looked first.
    pub(crate) async fn end(mut self, last: u64) -> anyhow::Result<Vec<Heard>> {
        self.until.send(Some(last)).context("no reader is left")?;
        let mut all = Vec::new();
        while let Some(heard) = tokio::time::timeout(PATIENCE, self.tasks.join_next())
            .await
            .context("a reader did not come to the end of the log")?
        {
            all.push(heard??);
        }
        all.sort_by_key(|heard| heard.changes.is_empty());
        Ok(all)
    }
}

async fn read(
    door: Rest,
    looks: bool,
    ready: mpsc::Sender<()>,
    mut end: watch::Receiver<Option<u64>>,
) -> anyhow::Result<Heard> {
    let mut blocks = sse::open(&door.http, &door.url("/events")).await?;
    let mut heard = Heard::default();
    loop {
        let block = blocks.next().await.context("the stream ended")??;
        if block.event == "snapshot" {
            let Part { part, of } = serde_json::from_slice(&block.payload)?;
            if part == of {
                heard.last = block.id.context("a snapshot without a cursor")?;
                break;
            }
        }
    }
    ready.send(()).await.context("nobody waits")?;
    loop {
        if end.borrow().is_some_and(|last| heard.last >= last) {
            return Ok(heard);
        }
        tokio::select! {
            changed = end.changed() => changed.context("nobody waits")?,
            block = blocks.next() => heard.note(&block.context("the stream ended")??, looks)?,
        }
    }
}

impl Heard {
    fn note(&mut self, block: &Block, looks: bool) -> anyhow::Result<()> {
        ensure!(block.event != "bye" && block.event != "resync", "a reader got {}", block.event);
        // Events without a number are not kept for anybody; numbers without an event are signs of life.
        let Some(seq) = block.id.filter(|_| !block.event.is_empty()) else { return Ok(()) };
        self.faults += seq.abs_diff(self.last + 1);
        self.last = seq;
        self.arrivals.push((seq, block.at));
        if looks && block.event == CHANGED {
            let Envelope { data } = serde_json::from_slice(&block.payload)?;
            self.changes.push((seq, data.id, data.rev));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn event(id: Option<u64>, event: &str) -> Block {
        let payload = format!("{{\"data\":{{\"id\":\"{}\",\"rev\":7}}}}", Uuid::nil());
        Block { id, event: event.to_owned(), payload: Bytes::from(payload), at: Instant::now() }
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_counted() {
        for (ids, faults) in [(vec![5, 6, 7], 0), (vec![5, 7], 1), (vec![5, 5, 6], 1), (vec![8], 3)]
        {
            let mut heard = Heard { last: 4, ..Heard::default() };
            for id in &ids {
                heard.note(&event(Some(*id), CHANGED), true).unwrap();
            }

            assert_eq!(heard.faults, faults, "{ids:?}");
            assert_eq!(heard.arrivals.len(), ids.len());
            assert_eq!(heard.changes[0].2, 7);
        }
    }

    #[test]
    fn signs_of_life_and_passing_events_are_no_arrivals() {
        let mut heard = Heard::default();

        heard.note(&event(Some(9), ""), true).unwrap();
        heard.note(&event(None, "worker.metrics"), true).unwrap();

        assert_eq!((heard.arrivals.len(), heard.faults, heard.last), (0, 0, 0));
        assert!(heard.note(&event(None, "bye"), true).is_err());
    }
}
