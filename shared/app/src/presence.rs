//! Which processes there are: each tells of itself, and takes itself out when it leaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ccm_domain::Timestamp;
use ccm_ports::{Process, Query, StoreError, Writer};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Fleet, FleetError, Result};

/// How often a process tells of itself.
const BEAT: Duration = Duration::from_secs(5);

/// A process that was not heard of for this long is lost. Three beats and the time of a slow store.
const LOST: Duration = Duration::from_secs(20);

/// The most processes that are listed; several times as many as one store carries.
const MOST: u32 = 500;

/// How a process is known to others.
#[derive(Clone, Debug)]
pub struct Presence {
    /// What it is called, for people.
    pub name: String,
    /// What it does: `api`, `scheduler`, `relay`.
    pub roles: Vec<&'static str>,
    /// Version of the product.
    pub version: &'static str,
    /// Commit that it is built from.
    pub commit: &'static str,
    /// How many streams it has; nothing is told of them while nobody counts.
    pub tally: Tally,
}

/// The streams of one process, counted by its API and told to the others. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tally {
    process: Uuid,
    streams: Arc<AtomicU64>,
}

/// Stands for a process that takes no streams.
const NO_STREAMS: u64 = u64::MAX;

impl Tally {
    /// Returns the tally of a process that begins, and takes no streams yet.
    #[must_use]
    pub fn new() -> Self {
        Self { process: Uuid::now_v7(), streams: Arc::new(AtomicU64::new(NO_STREAMS)) }
    }

    /// Sets how many streams there are; `None` while the process takes none.
    pub fn set(&self, streams: Option<u64>) {
        self.streams.store(streams.unwrap_or(NO_STREAMS), Ordering::Relaxed);
    }

    fn streams(&self) -> Option<u64> {
        Some(self.streams.load(Ordering::Relaxed)).filter(|streams| *streams != NO_STREAMS)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// A process as it is seen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// What it told last.
    pub process: Process,
    /// Whether it was not heard of for some time and never said that it would go.
    pub is_lost: bool,
}

impl Fleet {
    /// Tells of this process every few seconds until it leaves, and of its parts as `parts` says.
    ///
    /// A store that is away is waited for: whoever looks sees the process as lost meanwhile.
    pub async fn stay_present<F, Fut>(&self, who: Presence, leave: &CancellationToken, parts: F)
    where
        F: Fn() -> Fut + Send + Sync,
        Fut: Future<Output = BTreeMap<&'static str, String>> + Send,
    {
        let now = self.now();
        let mut me = Process {
            id: who.tally.process,
            rev: 0,
            name: who.name,
            roles: who.roles.into_iter().map(str::to_owned).collect(),
            version: who.version.to_owned(),
            commit: who.commit.to_owned(),
            started_at: now,
            seen_at: now,
            parts: BTreeMap::new(),
            streams: None,
        };
        loop {
            let words = parts().await.into_iter();
            me.parts = words.map(|(part, word)| (part.to_owned(), word)).collect();
            me.streams = who.tally.streams();
            me.seen_at = self.now();
            if let Err(err) = self.tell_of(&mut me).await {
                let error = format!("{:#}", anyhow::Error::new(err));
                tracing::debug!(error, "this process could not tell of itself");
            }
            if leave.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_none() {
                return self.disappear(&me).await;
            }
        }
    }

    /// Returns all processes, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn processes(&self) -> Result<Vec<Present>> {
        let query = Query::default().by("name", false).limit(MOST);
        let found = self.stores.processes.list(&query).await?.items;
        let heard_of = self.now().minus(LOST);
        Ok(found.into_iter().map(|process| seen(process, heard_of)).collect())
    }

    /// Returns the streams of each other process that takes some.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn streams_elsewhere(&self, than: &Tally) -> Result<BTreeMap<Uuid, u64>> {
        let others = self.processes().await?.into_iter().filter(|other| !other.is_lost);
        let others = others.map(|other| other.process).filter(|other| other.id != than.process);
        Ok(others.filter_map(|other| Some((other.id, other.streams?))).collect())
    }

    async fn tell_of(&self, me: &mut Process) -> Result<()> {
        let key = me.id.to_string();
        if me.rev > 0 {
            let (seen_at, parts, streams) = (me.seen_at, me.parts.clone(), me.streams);
            let told = self
                .update(&self.stores.processes, &key, Writer::Intent, |known| {
                    known.seen_at = seen_at;
                    known.parts.clone_from(&parts);
                    known.streams = streams;
                    Ok(())
                })
                .await;
            match told {
                Ok((known, ())) => {
                    me.rev = known.rev;
                    return Ok(());
                }
                // Away for so long that it was forgotten.
                Err(FleetError::Store(StoreError::NotFound(_))) => {}
                Err(err) => return Err(err),
            }
        }
        match self.insert(&self.stores.processes, me, Writer::Intent).await {
            Err(FleetError::Store(StoreError::Taken(_))) => {
                // An insert whose answer was lost.
                me.rev = 1;
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn disappear(&self, me: &Process) {
        let gone = self.stores.processes.remove(&me.id.to_string(), me.rev, Writer::Intent).await;
        if let Err(err) = gone {
            let error = format!("{:#}", anyhow::Error::new(err));
            tracing::debug!(error, "this process is shown until it is forgotten");
        }
    }
}

fn seen(process: Process, heard_of: Timestamp) -> Present {
    let is_lost = process.seen_at < heard_of;
    Present { process, is_lost }
}
