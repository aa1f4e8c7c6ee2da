//! A group of clients behind one lock.

use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use bytes::Bytes;
use ccm_events::{Kind, Subject};
use tokio_util::sync::CancellationToken;

use crate::hub::Stock;
use crate::{About, ClientId, Ended, Filter, Refused, Stats, StreamView, Subscribe};

/// What one visit to the lock may take along: enough for one large write to a socket.
const BATCH_FRAMES: usize = 32;
const BATCH_BYTES: usize = 64 << 10;

/// Frames on their way to one client, each with the cursor that holds once it is handed over.
pub(crate) type Batch = VecDeque<(u64, Bytes)>;

/// An event that came in, as far as shards need it.
pub(crate) struct News<'a> {
    pub(crate) kind: Kind,
    pub(crate) subject: &'a Subject,
    /// Number and size on the wire; `None` for an ephemeral one.
    pub(crate) logged: Option<(u64, usize)>,
}

/// A client: what it wants, and how far it is.
#[derive(Debug)]
pub(crate) struct Client {
    about: About,
    filter: Filter,
    over: CancellationToken,
    waker: Option<Waker>,
    ended: Option<Ended>,
    /// Every logged event up to here was handed over, or does not pass the filter.
    cursor: u64,
    /// There may be something for it in the ring behind `cursor`. While there is nothing, the cursor
    /// moves on with every event that does not pass, so the ring can never lap a quiet client.
    behind: bool,
    /// The last event when it registered: what it catches up with does not count as pending.
    live_from: u64,
    /// Bytes of live events told but not taken.
    pending: usize,
    /// Version of the newest ephemeral event seen.
    version: u64,
    frames: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Shard {
    clients: HashMap<ClientId, Client>,
}

impl Client {
    pub(crate) fn new(request: Subscribe, stock: &Stock) -> Result<Self, Refused> {
        let Subscribe { about, filter, after, over } = request;
        let last = stock.ring.last();
        let cursor = after.unwrap_or(last);
        let floor = stock.ring.floor();
        if cursor < floor {
            return Err(Refused::TooOld { floor });
        }
        Ok(Self {
            about,
            filter,
            over,
            waker: None,
            ended: None,
            cursor,
            behind: cursor < last,
            live_from: last,
            pending: 0,
            version: stock.ephemerals.version(),
            frames: 0,
            bytes: 0,
        })
    }

    pub(crate) const fn cursor(&self) -> u64 {
        self.cursor
    }

    pub(crate) const fn ended(&self) -> Option<Ended> {
        self.ended
    }

    pub(crate) const fn frames(&self) -> u64 {
        self.frames
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Remembers whom to wake when there is something.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Moves the next frames into the batch; empty when there are none, or the client is ended.
    pub(crate) fn fill(&mut self, stock: &Stock, batch: &mut Batch) {
        if self.behind && self.cursor < stock.ring.floor() {
            self.end(Ended::Lapped);
        }
        if self.ended.is_some() {
            return;
        }
        let mut room = BATCH_BYTES;
        let mut full = |batch: &mut Batch, cursor: u64, frame: &Bytes| {
            room = room.saturating_sub(frame.len());
            batch.push_back((cursor, frame.clone()));
            room == 0 || batch.len() == BATCH_FRAMES
        };
        if self.behind {
            for entry in stock.ring.after(self.cursor) {
                self.cursor = entry.seq;
                if !self.filter.matches(entry.kind, &entry.subject) {
                    continue;
                }
                self.count(&entry.frame);
                if entry.seq > self.live_from {
                    self.pending = self.pending.saturating_sub(entry.frame.len());
                }
                if full(batch, entry.seq, &entry.frame) {
                    break;
                }
            }
            self.behind = self.cursor < stock.ring.last();
            if self.behind {
                return;
            }
            self.pending = 0;
        }
        for (version, one) in stock.ephemerals.after(self.version) {
            if batch.len() == BATCH_FRAMES {
                return;
            }
            self.version = version;
            if self.filter.matches(one.kind, &one.subject) {
                self.count(&one.frame);
                if full(batch, self.cursor, &one.frame) {
                    return;
                }
            }
        }
    }

    /// Hears of an event; returns whether there is something to do now.
    fn notice(&mut self, news: &News<'_>, most_pending: usize) -> bool {
        let passes = self.filter.matches(news.kind, news.subject);
        let Some((seq, size)) = news.logged else { return passes };
        if seq <= self.cursor {
            return false;
        }
        if !passes {
            if !self.behind {
                self.cursor = seq;
            }
            return false;
        }
        self.behind = true;
        self.pending += size;
        if self.pending > most_pending {
            self.end(Ended::TooSlow);
        }
        true
    }

    fn end(&mut self, why: Ended) {
        if self.ended.is_none() {
            self.ended = Some(why);
            self.over.cancel();
        }
    }

    const fn count(&mut self, frame: &Bytes) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
    }

    fn lag(&self, last: u64) -> u64 {
        if self.behind { last.saturating_sub(self.cursor) } else { 0 }
    }
}

impl Shard {
    pub(crate) fn insert(&mut self, id: ClientId, client: Client) {
        self.clients.insert(id, client);
    }

    pub(crate) fn get(&mut self, id: ClientId) -> Option<&mut Client> {
        self.clients.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: ClientId) -> Option<Client> {
        self.clients.remove(&id)
    }

    /// Hears of an event and collects who is to be woken for it.
    pub(crate) fn notice(&mut self, news: &News<'_>, most_pending: usize, wakers: &mut Vec<Waker>) {
        for client in self.clients.values_mut().filter(|client| client.ended.is_none()) {
            if client.notice(news, most_pending) {
                wakers.extend(client.waker.take());
            }
        }
    }

    /// Ends clients and collects who is to be woken for it.
    pub(crate) fn end_where(
        &mut self,
        which: impl Fn(&Client) -> bool,
        why: Ended,
        wakers: &mut Vec<Waker>,
    ) {
        for client in self.clients.values_mut().filter(|client| which(client)) {
            client.end(why);
            wakers.extend(client.waker.take());
        }
    }

    /// Ends one client; returns whether it is there, and whom to wake.
    pub(crate) fn end(&mut self, id: ClientId, why: Ended) -> (bool, Option<Waker>) {
        let Some(client) = self.clients.get_mut(&id) else { return (false, None) };
        client.end(why);
        (true, client.waker.take())
    }

    pub(crate) fn living(&self) -> impl Iterator<Item = ClientId> {
        self.clients.iter().filter(|(_, client)| client.ended.is_none()).map(|(id, _)| *id)
    }

    pub(crate) fn views(&self, last: u64) -> impl Iterator<Item = StreamView> {
        self.clients.iter().map(move |(id, client)| StreamView {
            id: *id,
            about: client.about.clone(),
            filter: client.filter.to_string(),
            cursor: client.cursor,
            lag: client.lag(last),
            pending_bytes: client.pending,
            frames: client.frames,
            bytes: client.bytes,
        })
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        for client in self.clients.values() {
            stats.pending_bytes += client.pending;
            stats.most_lag = stats.most_lag.max(client.lag(stats.last));
            stats.frames += client.frames;
            stats.bytes += client.bytes;
            if let Some(ended) = client.ended {
                stats.ended[ended as usize].1 += 1;
            }
        }
    }
}
