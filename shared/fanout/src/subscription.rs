//! One client's end of the hub.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use serde::Serialize;

use crate::ClientId;
use crate::hub::{Inner, lock, read};
use crate::shard::Batch;

/// Why the hub ended a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// More bytes waited for it than may.
    TooSlow,
    /// The ring went on past what it still had to get.
    Lapped,
    /// Somebody ended it.
    Kicked,
    /// The hub went on elsewhere in the log, with events between that it does not have.
    Interrupted,
    /// The hub is closed.
    Closed,
    /// Other processes have fewer clients.
    Rebalanced,
}

impl Ended {
    /// All reasons.
    pub const ALL: &[Self] = &[
        Self::TooSlow,
        Self::Lapped,
        Self::Kicked,
        Self::Interrupted,
        Self::Closed,
        Self::Rebalanced,
    ];

    /// Returns the reason as one word, for clients and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooSlow => "too_slow",
            Self::Lapped => "lapped",
            Self::Kicked => "kicked",
            Self::Interrupted => "interrupted",
            Self::Closed => "closed",
            Self::Rebalanced => "rebalance",
        }
    }
}

/// What comes next for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// An event, as the bytes that go out.
    Frame(Bytes),
    /// Nothing more; what was not handed over can be had again behind [`Subscription::cursor`].
    End(Ended),
}

/// A registered client. Dropping it takes the client off.
pub struct Subscription {
    hub: Arc<Inner>,
    id: ClientId,
    /// Bounded by what one visit to the hub takes along.
    batch: Batch,
    /// Holds while the batch is not empty.
    cursor: u64,
    ended: Option<Ended>,
}

impl Subscription {
    pub(crate) fn new(hub: Arc<Inner>, id: ClientId, cursor: u64) -> Self {
        Self { hub, id, batch: Batch::new(), cursor, ended: None }
    }

    /// Returns the client's id.
    #[must_use]
    pub const fn id(&self) -> ClientId {
        self.id
    }

    /// Returns the number up to which every event was handed over, or is not for this client.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        if !self.batch.is_empty() {
            return self.cursor;
        }
        lock(self.hub.shard(self.id)).get(self.id).map_or(self.cursor, |client| client.cursor())
    }

    /// Returns the next frame, the end, or waits. Frames of one burst are ready one after the other.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Told> {
        if self.batch.is_empty() && self.ended.is_none() {
            self.visit(cx);
        }
        if let Some((cursor, frame)) = self.batch.pop_front() {
            self.cursor = cursor;
            return Poll::Ready(Told::Frame(frame));
        }
        match self.ended {
            Some(ended) => Poll::Ready(Told::End(ended)),
            None => Poll::Pending,
        }
    }

    /// Waits for the next frame or the end.
    pub async fn next(&mut self) -> Told {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Takes the frames of the present burst that are at hand already, without asking the hub.
    pub fn at_hand(&mut self) -> impl Iterator<Item = Bytes> {
        if let Some((cursor, _)) = self.batch.back() {
            self.cursor = *cursor;
        }
        self.batch.drain(..).map(|(_, frame)| frame)
    }

    /// Takes what is there along, or leaves a waker.
    fn visit(&mut self, cx: &Context<'_>) {
        let mut shard = lock(self.hub.shard(self.id));
        let Some(client) = shard.get(self.id) else {
            self.ended = Some(Ended::Closed);
            return;
        };
        self.cursor = client.cursor();
        client.fill(&read(&self.hub.stock), &mut self.batch);
        self.ended = client.ended();
        if self.batch.is_empty() && self.ended.is_none() {
            client.wait(cx.waker());
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(self.id);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("waiting", &self.batch.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
