//! One stream: what it says, in order, until it ends.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use ccm_fanout::{Ended, Filter, Subscription, Told, frame};
use ccm_ports::Clock;
use ccm_runtime::Hold;
use futures_util::stream;
use rand::Rng;
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::opening::{greeting, millis};
use super::replay::Stopped;
use super::{Access, Live};
use crate::auth::Verdict;

#[cfg(test)]
mod tests;

/// When a reader comes back whose stream ended in good order: soon, but not all at once.
const SOON: Duration = Duration::from_secs(1);
/// When a reader comes back that cannot keep up or that somebody ended.
const LATER: Duration = Duration::from_secs(5);

/// What comes next on a stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// The reader goes on where it was.
    Resumed { after: u64 },
    /// What it missed is read from the log.
    Replay { after: u64, to: u64 },
    /// It cannot go on from there; the reason is told.
    Resync(&'static str, Option<u64>),
    /// It gets everything as it is.
    Snapshot,
    /// It hears what happens.
    Live,
    /// It was told goodbye.
    Over,
}

/// What ends a stream from outside.
pub(super) struct Ends {
    /// The end of its age, and of the session that opened it.
    age: Pin<Box<Sleep>>,
    expiry: Option<Pin<Box<Sleep>>>,
    verdict: Option<Verdict>,
    draining: CancellationToken,
    /// This one's place in the time to drain, and its clock once draining began.
    drain_after: Duration,
    drained: Option<Pin<Box<Sleep>>>,
}

/// A stream on its way to one reader.
pub(super) struct Stream {
    words: Words,
    ends: Ends,
    /// Keeps the process until the reader was told goodbye.
    _hold: Hold,
}

/// What a stream says.
struct Words {
    live: Live,
    filter: Filter,
    subscription: Subscription,
    stage: Stage,
    /// Frames ready to leave: at most a snapshot or a page of the log.
    out: VecDeque<Bytes>,
    heartbeat: Interval,
}

/// Last words.
#[derive(Clone, Copy, Debug)]
enum Farewell {
    Bye(&'static str, Duration),
    AuthExpired(&'static str),
}

impl Ends {
    pub(super) fn new(
        access: &Access,
        clock: &dyn Clock,
        max_age: Duration,
        draining: CancellationToken,
        drain: Duration,
    ) -> Self {
        let mut chance = rand::rng();
        let expiry = access.until.map(|until| {
            let left = until.since(clock.now()).mul_f64(1.0 / clock.speed());
            Box::pin(sleep(left))
        });
        Self {
            // Give or take a fifth, so that streams which began together do not end together.
            age: Box::pin(sleep(max_age.mul_f64(chance.random_range(0.8..1.2)))),
            expiry,
            verdict: access.verdict.clone(),
            draining,
            // Spread evenly; the rest of the time is for the last ones to read.
            drain_after: drain.mul_f64(chance.random_range(0.0..0.8)),
            drained: None,
        }
    }

    /// Waits for the first reason to end.
    async fn next(&mut self) -> Farewell {
        let Self { age, expiry, verdict, draining, drain_after, drained } = self;
        let drained = async {
            draining.cancelled().await;
            drained.get_or_insert_with(|| Box::pin(sleep(*drain_after))).as_mut().await;
        };
        let expired = async {
            match expiry {
                Some(expiry) => expiry.as_mut().await,
                None => std::future::pending().await,
            }
        };
        let judged = async {
            let Some(verdict) = verdict else { return std::future::pending().await };
            let reason = verdict.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
            match reason {
                Some(reason) => reason,
                // Nobody looks after it any more: the process stops.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            reason = judged => Farewell::AuthExpired(reason),
            () = expired => Farewell::AuthExpired("expired"),
            () = drained => Farewell::Bye("drain", SOON),
            () = age.as_mut() => Farewell::Bye("max_age", SOON),
        }
    }
}

impl Stream {
    pub(super) fn new(
        live: Live,
        filter: Filter,
        subscription: Subscription,
        stage: Stage,
        ends: Ends,
        hold: Hold,
    ) -> Self {
        let every = live.0.settings.heartbeat.get();
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let out = VecDeque::from([greeting()]);
        let words = Words { live, filter, subscription, stage, out, heartbeat };
        Self { words, ends, _hold: hold }
    }

    /// Returns what goes over the wire. Frames that are ready together are given together, so that they
    /// leave in one write.
    pub(super) fn into_bytes(self) -> impl stream::Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(Box::new(self), |mut stream| async move {
            let frame = stream.next().await?;
            Some((Ok(frame), stream))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.words.out.pop_front() {
                return Some(frame);
            }
            if matches!(self.words.stage, Stage::Over) {
                return None;
            }
            let farewell = tokio::select! {
                biased;
                farewell = self.ends.next() => Some(farewell),
                farewell = self.words.gather() => farewell,
            };
            if let Some(farewell) = farewell {
                self.words.say(farewell);
            }
        }
    }
}

impl Words {
    /// Gathers frames of the present stage and goes on to the next one; or says why the stream ends.
    async fn gather(&mut self) -> Option<Farewell> {
        match self.stage {
            Stage::Resumed { after } => {
                self.out.push_back(frame::cursor(after));
                self.stage = Stage::Live;
            }
            Stage::Replay { after, to } => return self.replay(after, to).await,
            Stage::Resync(reason, requested) => {
                let last = self.live.hub().last();
                let told = json!({ "reason": reason, "requested": requested, "last": last });
                self.out.push_back(frame::control(None, "resync", &told));
                self.stage = Stage::Snapshot;
            }
            Stage::Snapshot => return self.snapshot().await,
            Stage::Live => return self.listen().await,
            Stage::Over => {}
        }
        None
    }

    async fn snapshot(&mut self) -> Option<Farewell> {
        let cursor = self.subscription.cursor();
        match self.live.0.snapshots.since(cursor).await {
            Ok(snapshot) => {
                self.out.extend(snapshot.frames(cursor, &self.filter));
                self.stage = Stage::Live;
                None
            }
            Err(err) => Some(unavailable(&err)),
        }
    }

    async fn replay(&mut self, after: u64, to: u64) -> Option<Farewell> {
        if after >= to {
            self.out.push_back(frame::cursor(to));
            self.stage = Stage::Live;
            return None;
        }
        match self.live.0.replay.page(after, to).await {
            Ok(page) => {
                let missed = page.iter().filter(|entry| entry.seq > after && entry.seq <= to);
                let mut reached = after;
                for entry in missed {
                    reached = entry.seq;
                    if self.filter.matches(entry.kind, &entry.subject) {
                        self.out.push_back(entry.frame.clone());
                    }
                }
                self.stage = Stage::Replay { after: reached, to };
                None
            }
            Err(Stopped::Forgotten) => {
                self.stage = Stage::Resync("too_old", Some(after));
                None
            }
            Err(Stopped::Failed(err)) => Some(unavailable(&anyhow::Error::new(err))),
        }
    }

    async fn listen(&mut self) -> Option<Farewell> {
        tokio::select! {
            biased;
            _ = self.heartbeat.tick() => {
                self.out.push_back(frame::cursor(self.subscription.cursor()));
                None
            }
            told = self.subscription.next() => match told {
                Told::Frame(frame) => {
                    self.out.push_back(frame);
                    self.out.extend(self.subscription.at_hand());
                    None
                }
                Told::End(ended @ (Ended::Interrupted | Ended::Closed | Ended::Rebalanced)) => {
                    Some(Farewell::Bye(ended.word(), SOON))
                }
                Told::End(ended @ (Ended::TooSlow | Ended::Lapped | Ended::Kicked)) => {
                    Some(Farewell::Bye(ended.word(), LATER))
                }
            },
        }
    }

    fn say(&mut self, farewell: Farewell) {
        match farewell {
            Farewell::Bye(reason, pause) => self.out.extend(bye(reason, jittered(pause))),
            Farewell::AuthExpired(reason) => {
                let told = json!({ "reason": reason });
                self.out.push_back(frame::control(None, "auth_expired", &told));
            }
        }
        self.stage = Stage::Over;
    }
}

fn unavailable(err: &anyhow::Error) -> Farewell {
    let error = format!("{err:#}");
    tracing::warn!(error, "a stream could not begin");
    Farewell::Bye("store_unavailable", LATER)
}

/// Says goodbye: `retry` for browsers, which look at nothing else, and an event for those that do.
pub(super) fn bye(reason: &'static str, pause: Duration) -> [Bytes; 2] {
    let retry_ms = millis(pause);
    let told = json!({ "reason": reason, "retry_ms": retry_ms });
    [frame::retry(retry_ms), frame::control(None, "bye", &told)]
}

/// Spreads readers that were told the same over half of the time before and after.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..1.5))
}
