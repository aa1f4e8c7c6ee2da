//! Where events come in and clients register.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::Waker;

use ccm_events::Event;
use tokio_util::sync::CancellationToken;

use crate::ephemerals::Ephemerals;
use crate::ring::Ring;
use crate::shard::{Client, News, Shard};
use crate::{About, ClientId, Ended, Filter, Stats, StreamView, Subscription};

/// How much a hub keeps and lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Logged events in the ring.
    pub ring_events: usize,
    /// Bytes in the ring; should be more than `pending_bytes`, or slow clients are lapped first.
    pub ring_bytes: usize,
    /// Types and subjects of which the newest ephemeral event is kept.
    pub subjects: usize,
    /// Clients at the same time.
    pub clients: usize,
    /// Bytes told but not taken, after which a client is ended as too slow.
    pub pending_bytes: usize,
    /// Groups of clients, each with its own lock.
    pub shards: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring_events: 16_384,
            ring_bytes: 16 << 20,
            subjects: 4096,
            clients: 100_000,
            pending_bytes: 1 << 20,
            shards: 8,
        }
    }
}

/// What was done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Told to the clients whose filter it passes.
    Told,
    /// It was here already.
    Repeated,
}

/// Events between the last one here and the published one are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event behind {after} is missing")]
pub struct Hole {
    /// The last event here.
    pub after: u64,
}

/// Why a client was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The hub has not been started, or it is closed.
    #[error("no streams are served here at present")]
    NotOpen,
    /// There are as many clients as there may be.
    #[error("too many streams")]
    Full,
    /// The ring begins later; read the log up to `floor` first.
    #[error("the ring begins behind {floor}")]
    TooOld {
        /// The lowest cursor that can be continued from here.
        floor: u64,
    },
}

/// A client that wants to register.
#[derive(Debug)]
pub struct Subscribe {
    /// Who it is.
    pub about: About,
    /// What it wants and may see.
    pub filter: Filter,
    /// The last logged event that it has; `None` to begin with what comes next.
    pub after: Option<u64>,
    /// Cancelled when the hub ends the client, also while nobody asks for its next frame.
    pub over: CancellationToken,
}

/// The live clients of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hub(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    limits: Limits,
    /// Events come in one at a time, so that every shard hears of them in the same order.
    publishing: Mutex<()>,
    /// Taken inside a shard's lock by readers, and never the other way round.
    pub(crate) stock: RwLock<Stock>,
    shards: Box<[Mutex<Shard>]>,
    open: AtomicBool,
    next_id: AtomicU64,
    clients: AtomicUsize,
    frames: AtomicU64,
    bytes: AtomicU64,
    ended: [AtomicU64; Ended::ALL.len()],
}

/// What clients read from.
#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) ring: Ring,
    pub(crate) ephemerals: Ephemerals,
}

impl Hub {
    /// Returns a hub without clients that lets nobody in before [`Hub::start`].
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let stock = Stock {
            ring: Ring::new(limits.ring_events, limits.ring_bytes),
            ephemerals: Ephemerals::new(limits.subjects),
        };
        let shards = (0..limits.shards.max(1)).map(|_| Mutex::default()).collect();
        Self(Arc::new(Inner {
            limits,
            publishing: Mutex::default(),
            stock: RwLock::new(stock),
            shards,
            open: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
            clients: AtomicUsize::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: Default::default(),
        }))
    }

    /// Begins, or begins anew, with the next logged event behind `last`, and opens the hub.
    ///
    /// Clients that are anywhere else are ended as [`Ended::Interrupted`]: what lies between cannot be
    /// told to them from here.
    pub fn start(&self, last: u64) {
        let _one_at_a_time = lock(&self.0.publishing);
        write(&self.0.stock).ring.restart(last);
        let moved = |client: &Client| client.cursor() != last;
        self.each_shard(|shard, wakers| shard.end_where(moved, Ended::Interrupted, wakers));
        self.0.open.store(true, Ordering::Release);
    }

    /// Ends all clients as [`Ended::Closed`] and lets nobody in.
    pub fn close(&self) {
        let _one_at_a_time = lock(&self.0.publishing);
        self.0.open.store(false, Ordering::Release);
        self.each_shard(|shard, wakers| shard.end_where(|_| true, Ended::Closed, wakers));
    }

    /// Tells an event to the clients whose filter it passes.
    ///
    /// # Errors
    ///
    /// [`Hole`] when it is not the next logged one; nothing is told then.
    pub fn publish(&self, event: &Event) -> Result<Published, Hole> {
        let _one_at_a_time = lock(&self.0.publishing);
        let logged = {
            let mut stock = write(&self.0.stock);
            match event.seq {
                Some(seq) => match stock.ring.push(seq, event)? {
                    Some(entry) => Some((seq, entry.frame.len())),
                    None => return Ok(Published::Repeated),
                },
                None => {
                    stock.ephemerals.put(event);
                    None
                }
            }
        };
        let news = News { kind: event.kind, subject: &event.subject, logged };
        let most_pending = self.0.limits.pending_bytes;
        self.each_shard(|shard, wakers| shard.notice(&news, most_pending, wakers));
        Ok(Published::Told)
    }

    /// Returns the number of the last logged event told.
    #[must_use]
    pub fn last(&self) -> u64 {
        read(&self.0.stock).ring.last()
    }

    /// Returns the lowest cursor that can be continued from here.
    #[must_use]
    pub fn floor(&self) -> u64 {
        read(&self.0.stock).ring.floor()
    }

    /// Registers a client; it is taken off again when the subscription is dropped.
    ///
    /// A cursor ahead of the last event here is taken: it came from another process that was faster.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing is kept of the client then.
    pub fn subscribe(&self, request: Subscribe) -> Result<Subscription, Refused> {
        let inner = &self.0;
        let most = inner.limits.clients;
        let admit = |clients| (clients < most).then_some(clients + 1);
        if inner.clients.fetch_update(Ordering::AcqRel, Ordering::Acquire, admit).is_err() {
            return Err(Refused::Full);
        }
        let id = ClientId(inner.next_id.fetch_add(1, Ordering::Relaxed));
        let registered = {
            // Held over the look at the ring, so that no event falls between.
            let mut shard = lock(inner.shard(id));
            // Asked under the lock: whoever closes or starts the hub visits this shard afterwards.
            if inner.open.load(Ordering::Acquire) {
                let stock = read(&inner.stock);
                let client = Client::new(request, &stock);
                client.map(|client| {
                    let cursor = client.cursor();
                    shard.insert(id, client);
                    cursor
                })
            } else {
                Err(Refused::NotOpen)
            }
        };
        match registered {
            Ok(cursor) => Ok(Subscription::new(Arc::clone(inner), id, cursor)),
            Err(refused) => {
                inner.clients.fetch_sub(1, Ordering::AcqRel);
                Err(refused)
            }
        }
    }

    /// Ends a client as [`Ended::Kicked`]; returns whether it was there.
    pub fn kick(&self, id: ClientId) -> bool {
        self.end(id, Ended::Kicked)
    }

    /// Ends a client as [`Ended::Rebalanced`]; returns whether it was there.
    pub fn send_elsewhere(&self, id: ClientId) -> bool {
        self.end(id, Ended::Rebalanced)
    }

    fn end(&self, id: ClientId, why: Ended) -> bool {
        let (known, waker) = lock(self.0.shard(id)).end(id, why);
        if let Some(waker) = waker {
            waker.wake();
        }
        known
    }

    /// Returns how many clients there are.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.0.clients.load(Ordering::Acquire)
    }

    /// Returns at most so many clients that are not ended, those that came first.
    #[must_use]
    pub fn oldest(&self, most: usize) -> Vec<ClientId> {
        let mut ids = Vec::new();
        for shard in &self.0.shards {
            ids.extend(lock(shard).living());
        }
        ids.sort_unstable();
        ids.truncate(most);
        ids
    }

    /// Returns all clients, the oldest first.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamView> {
        let last = self.last();
        let mut views = Vec::new();
        for shard in &self.0.shards {
            views.extend(lock(shard).views(last));
        }
        views.sort_unstable_by_key(|view: &StreamView| view.id);
        views
    }

    /// Returns the hub in numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = {
            let stock = read(&self.0.stock);
            let (ring_events, ring_bytes) = (stock.ring.len(), stock.ring.bytes());
            Stats { last: stock.ring.last(), ring_events, ring_bytes, ..Stats::default() }
        };
        stats.clients = self.clients();
        stats.frames = self.0.frames.load(Ordering::Relaxed);
        stats.bytes = self.0.bytes.load(Ordering::Relaxed);
        let left = |ended: Ended| self.0.ended[ended as usize].load(Ordering::Relaxed);
        stats.ended = Ended::ALL.iter().map(|ended| (*ended, left(*ended))).collect();
        for shard in &self.0.shards {
            lock(shard).add_to(&mut stats);
        }
        stats
    }

    /// Visits every shard and wakes outside of its lock.
    fn each_shard(&self, visit: impl Fn(&mut Shard, &mut Vec<Waker>)) {
        let mut wakers = Vec::new();
        for shard in &self.0.shards {
            visit(&mut lock(shard), &mut wakers);
            wakers.drain(..).for_each(Waker::wake);
        }
    }
}

impl Inner {
    pub(crate) fn shard(&self, id: ClientId) -> &Mutex<Shard> {
        let nth = id.0 % self.shards.len() as u64;
        &self.shards[usize::try_from(nth).unwrap_or(0)]
    }

    /// Takes a client off and keeps what it adds to the totals.
    pub(crate) fn leave(&self, id: ClientId) {
        let Some(client) = lock(self.shard(id)).remove(id) else { return };
        self.clients.fetch_sub(1, Ordering::AcqRel);
        self.frames.fetch_add(client.frames(), Ordering::Relaxed);
        self.bytes.fetch_add(client.bytes(), Ordering::Relaxed);
        if let Some(ended) = client.ended() {
            self.ended[ended as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A panic while a lock was held is a bug; the counters behind it are still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
