//! A store with documents that record changes, a bus, and ways between them that break.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use ccm_bus::LocalBus;
use ccm_bus::local::LocalLimits;
use ccm_domain::Timestamp;
use ccm_events::{Change, Event, Kind, Subject};
use ccm_ports::{
    BusError, Clock, Document, EventFeed, EventLog, EventPublisher, Logged, Outbox, Pending,
    Shared, StoreError, Stores, SystemClock, Writer,
};
use ccm_relay::Outlet;
use ccm_store::Embedded;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A document that does nothing but record changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    id: String,
    rev: u64,
}

impl Document for Note {
    const COLLECTION: &'static str = "notes";
    const NOUN: &'static str = "note";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

/// The time here, moved.
#[derive(Debug, Default)]
pub(crate) struct MovedTime(AtomicI64);

impl MovedTime {
    /// Moves it on.
    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for MovedTime {
    fn now(&self) -> Timestamp {
        let moved = self.0.load(Ordering::SeqCst);
        Timestamp::from_millis(SystemClock.now().as_millis() + moved)
    }
}

/// Everything around a relay.
pub(crate) struct Desk {
    pub(crate) stores: Stores,
    pub(crate) bus: LocalBus,
    pub(crate) clock: Arc<MovedTime>,
    notes: Shared<Note>,
    /// Ids of everything committed, in the order of commits.
    committed: Mutex<Vec<String>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let store = Embedded::memory().unwrap();
        let stores = store.stores();
        let bus = LocalBus::new(LocalLimits { history: 100_000, backlog: 1024 });
        Self {
            stores,
            bus,
            clock: Arc::default(),
            notes: Arc::new(store),
            committed: Mutex::default(),
        }
    }

    /// Commits the next revision of a document with so many changes.
    pub(crate) async fn commit(&self, id: &str, changes: usize) {
        self.commit_kinds(id, &vec![Kind::SettingsChanged; changes]).await;
    }

    /// Commits the next revision of a document with changes of these kinds.
    pub(crate) async fn commit_kinds(&self, id: &str, kinds: &[Kind]) {
        let before = self.notes.find(id).await.unwrap();
        let rev = before.map_or(1, |note| note.rev + 1);
        let note = Note { id: id.to_owned(), rev };
        let time = self.clock.now();
        let made =
            |(nth, kind): (usize, &Kind)| Change { kind: *kind, time, ..change(id, rev, nth) };
        let changes: Vec<_> = kinds.iter().enumerate().map(made).collect();
        if rev == 1 {
            self.notes.insert(&note, &changes, Writer::Intent).await.unwrap();
        } else {
            self.notes.put(&note, &changes, Writer::Intent).await.unwrap();
        }
        self.committed.lock().unwrap().extend(changes.into_iter().map(|change| change.id));
    }

    /// Returns a relay's way out over whatever `way` does to its calls.
    pub(crate) fn outlet(&self, way: &Arc<Way>) -> Outlet {
        let broken = Arc::new(Broken {
            way: Arc::clone(way),
            outbox: Arc::clone(&self.stores.outbox),
            log: Arc::clone(&self.stores.log),
            bus: self.bus.clone(),
        });
        Outlet::new(broken.clone(), broken.clone(), broken, 3, 100_000)
    }

    /// Runs passes of a relay that nothing happens to until nothing waits.
    pub(crate) async fn settle(&self) {
        let mut outlet = self.outlet(&Arc::default());
        while outlet.pass().await.unwrap().taken > 0 {}
    }

    /// Checks that the log has each change once, in order per document, without a hole; and the bus the same.
    pub(crate) async fn must_have_told_everything(&self, case: &str) {
        let log = self.stores.log.read(0, 100_000).await.unwrap();
        let seqs: Vec<u64> = log.iter().map(|logged| logged.seq).collect();
        assert!(seqs.iter().copied().eq(1..=log.len() as u64), "{case}: {seqs:?}");
        let committed = self.committed.lock().unwrap().clone();
        for note in ["a", "b", "c"] {
            let of = |id: &&str| id.starts_with(&format!("notes/{note}/"));
            let told = log.iter().map(|logged| logged.change.id.as_str()).filter(of);
            let expected = committed.iter().map(String::as_str).filter(of);
            assert!(told.eq(expected), "{case}: {note} in {seqs:?}");
        }
        assert_eq!(log.len(), committed.len(), "{case}");
        let told: Vec<_> = log.iter().map(|one| Event::logged(one.seq, &one.change)).collect();
        assert_eq!(self.bus.history(0, 100_000).await.unwrap(), told, "{case}");
        assert_eq!(self.stores.outbox.backlog().await.unwrap(), 0, "{case}");
    }
}

pub(crate) fn change(id: &str, rev: u64, nth: usize) -> Change {
    Change {
        id: format!("notes/{id}/{rev}.{nth}"),
        kind: Kind::SettingsChanged,
        subject: Subject::Fleet(format!("note/{id}")),
        time: Timestamp::from_millis(1_700_000_000_000),
        data: json!({ "rev": rev }).into(),
        traceparent: None,
    }
}

/// What happens to the calls of one relay process.
#[derive(Default)]
pub(crate) struct Way {
    calls: AtomicU64,
    mishap: Option<Mishap>,
    chance: Option<Mutex<StdRng>>,
    is_short_sighted: bool,
}

/// The process dies at this call, just before or just after it had its effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mishap {
    pub(crate) at: u64,
    pub(crate) after: bool,
}

impl Way {
    pub(crate) fn dies(mishap: Mishap) -> Arc<Self> {
        Arc::new(Self { mishap: Some(mishap), ..Self::default() })
    }

    /// Calls wait for each other's processes at random, and now and then fail, done or not.
    pub(crate) fn random(seed: u64) -> Arc<Self> {
        let chance = Some(Mutex::new(StdRng::seed_from_u64(seed)));
        Arc::new(Self { chance, ..Self::default() })
    }

    /// No look ahead is answered.
    pub(crate) fn short_sighted() -> Arc<Self> {
        Arc::new(Self { is_short_sighted: true, ..Self::default() })
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Returns the answer, or `None` when it does not arrive.
    async fn call<T>(&self, act: impl Future<Output = T>) -> Option<T> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(Mishap { at, after }) = self.mishap {
            if nth == at && after {
                act.await;
                return None;
            }
            if nth >= at {
                return None;
            }
        }
        let Some(chance) = &self.chance else { return Some(act.await) };
        let (yields, lost, done) = {
            let mut chance = chance.lock().unwrap();
            (chance.random_range(0..4), chance.random_bool(0.05), chance.random_bool(0.5))
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        if lost && !done {
            return None;
        }
        let answer = act.await;
        (!lost).then_some(answer)
    }
}

fn is_same(one: &Pending, other: &Pending) -> bool {
    (&one.collection, &one.key) == (&other.collection, &other.key)
}

/// Store and bus as one relay reaches them.
struct Broken {
    way: Arc<Way>,
    outbox: Arc<dyn Outbox>,
    log: Arc<dyn EventLog>,
    bus: LocalBus,
}

fn store<T>(answer: Option<Result<T, StoreError>>) -> Result<T, StoreError> {
    answer.unwrap_or_else(|| Err(StoreError::Unavailable(anyhow!("the way is broken"))))
}

fn bus<T>(answer: Option<Result<T, BusError>>) -> Result<T, BusError> {
    answer.unwrap_or_else(|| Err(BusError::Unavailable(anyhow!("the way is broken"))))
}

#[async_trait]
impl Outbox for Broken {
    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        store(self.way.call(self.outbox.pending(limit)).await)
    }

    async fn pending_behind(
        &self,
        ahead: &[Pending],
        limit: usize,
    ) -> Result<Vec<Pending>, StoreError> {
        if self.way.is_short_sighted {
            return store(None);
        }
        // What the store below, whose looks cost nothing, leaves to those that need it.
        let under_way = ahead.iter().map(|document| document.changes.len()).sum::<usize>();
        let mut pending = self.pending(under_way + limit).await?;
        pending.retain(|one| !ahead.iter().any(|other| is_same(one, other)));
        let mut room = limit;
        for document in &mut pending {
            document.changes.truncate(room);
            room -= document.changes.len();
        }
        pending.retain(|document| !document.changes.is_empty());
        Ok(pending)
    }

    async fn told(&self, told: &[Pending]) -> Result<(), StoreError> {
        store(self.way.call(self.outbox.told(told)).await)
    }

    async fn backlog(&self) -> Result<u64, StoreError> {
        store(self.way.call(self.outbox.backlog()).await)
    }
}

#[async_trait]
impl EventLog for Broken {
    async fn head(&self) -> Result<u64, StoreError> {
        store(self.way.call(self.log.head()).await)
    }

    async fn oldest(&self) -> Result<u64, StoreError> {
        store(self.way.call(self.log.oldest()).await)
    }

    async fn append(&self, after: u64, changes: &[Change]) -> Result<Vec<Logged>, StoreError> {
        store(self.way.call(self.log.append(after, changes)).await)
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        store(self.way.call(self.log.read(after, limit)).await)
    }

    async fn trim(&self, keep_from: u64) -> Result<u64, StoreError> {
        store(self.way.call(self.log.trim(keep_from)).await)
    }
}

#[async_trait]
impl EventPublisher for Broken {
    async fn last(&self) -> Result<u64, BusError> {
        bus(self.way.call(self.bus.last()).await)
    }

    async fn append(&self, events: &[Event]) -> Result<(), BusError> {
        bus(self.way.call(self.bus.append(events)).await)
    }

    async fn clear(&self) -> Result<(), BusError> {
        bus(self.way.call(self.bus.clear()).await)
    }

    async fn tell(&self, event: &Event) -> Result<(), BusError> {
        bus(self.way.call(self.bus.tell(event)).await)
    }
}
