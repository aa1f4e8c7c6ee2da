//! Opening a stream: from what the reader has to where the stream begins.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ccm_fanout::{About, Filter, Refused, Subscribe, Subscription};
use ccm_runtime::Part;
use ccm_telemetry::KeyValue;
use http::{HeaderValue, header};

use super::stream::{Ends, Stage, Stream, bye, jittered};
use super::{Access, Hangup, Live};
use crate::problem::Problem;

/// The most events that are replayed from the log; beyond, a snapshot is quicker for everybody.
const MOST_REPLAYED: u64 = 10_000;
/// The longest that a reader waits for the process to start.
const STARTING: Duration = Duration::from_secs(3);
/// When readers come back that could not be let in.
const LATER: Duration = Duration::from_secs(5);

/// Where a reader wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// It has nothing.
    Fresh,
    /// It has every event up to this one.
    After(u64),
    /// It has something that is no cursor of ours.
    Unknown,
}

/// A request for a stream.
#[derive(Debug)]
pub(crate) struct Knock {
    pub(crate) filter: Filter,
    pub(crate) position: Position,
    pub(crate) access: Access,
    /// Of the connection, if it can be cut.
    pub(crate) hangup: Hangup,
    /// The reader asked for an event stream by its media type.
    pub(crate) reads_streams: bool,
}

impl Live {
    /// Answers with a stream, or says when to come back.
    pub(crate) async fn open(&self, knock: Knock) -> Response {
        let reads_streams = knock.reads_streams;
        if self.0.shell.draining().is_cancelled() {
            return self.turn_away("drain", reads_streams);
        }
        // Whoever comes in the first moments of a process waits for them to pass.
        let mut is_open = self.0.is_open.clone();
        let opened = is_open.wait_for(|open| *open);
        let _ = tokio::time::timeout(STARTING, opened).await;
        match self.admit(&knock).await {
            Ok((subscription, stage)) => head(self.stream(knock, subscription, stage)),
            Err(Refused::Full) => self.turn_away("overloaded", reads_streams),
            Err(Refused::NotOpen | Refused::TooOld { .. }) => {
                self.turn_away("starting", reads_streams)
            }
        }
    }

    fn turn_away(&self, reason: &'static str, reads_streams: bool) -> Response {
        self.0.turned_away.add(1, &[KeyValue::new("reason", reason)]);
        turned_away(reason, reads_streams)
    }

    /// Registers the reader where it can go on; the ring first, then the log, then a snapshot.
    async fn admit(&self, knock: &Knock) -> Result<(Subscription, Stage), Refused> {
        let after = match knock.position {
            Position::Fresh => return Ok((self.register(knock, None)?, Stage::Snapshot)),
            Position::Unknown => {
                return Ok((self.register(knock, None)?, Stage::Resync("unknown_position", None)));
            }
            Position::After(after) => after,
        };
        if after > self.hub().last() && self.is_ahead_of_the_log(after).await {
            return Ok((
                self.register(knock, None)?,
                Stage::Resync("unknown_position", Some(after)),
            ));
        }
        match self.register(knock, Some(after)) {
            Ok(subscription) => Ok((subscription, Stage::Resumed { after })),
            Err(Refused::TooOld { .. }) => {
                // At the newest, where the ring cannot lap it while the log is read up to there.
                let subscription = self.register(knock, None)?;
                let to = subscription.cursor();
                let stage = if to.saturating_sub(after) > MOST_REPLAYED {
                    Stage::Resync("too_far_behind", Some(after))
                } else {
                    Stage::Replay { after, to }
                };
                Ok((subscription, stage))
            }
            Err(refused @ (Refused::Full | Refused::NotOpen)) => Err(refused),
        }
    }

    /// Another process may be ahead of this one, but none is ahead of the log.
    async fn is_ahead_of_the_log(&self, after: u64) -> bool {
        // While the log cannot be asked the cursor is believed; the feed finds out about the log.
        self.0.replay.log().head().await.is_ok_and(|head| after > head)
    }

    fn register(&self, knock: &Knock, after: Option<u64>) -> Result<Subscription, Refused> {
        let about = About {
            name: knock.access.name.clone(),
            address: knock.access.address.clone(),
            since: self.0.clock.now(),
        };
        let filter = knock.filter.clone();
        let over = knock.hangup.token();
        self.hub().subscribe(Subscribe { about, filter, after, over })
    }

    fn stream(&self, knock: Knock, subscription: Subscription, stage: Stage) -> Body {
        let hold = self.0.shell.hold(Part::Streams);
        let ends = Ends::new(
            &knock.access,
            &*self.0.clock,
            self.0.settings.max_age.get(),
            self.0.shell.draining(),
            self.0.drain,
        );
        let stream = Stream::new(self.clone(), knock.filter, subscription, stage, ends, hold);
        Body::from_stream(stream.into_bytes())
    }
}

/// Adds the head of every stream: never kept, never buffered, never compressed.
fn head(body: Body) -> Response {
    let mut response = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (header::VARY, "Accept, Last-Event-ID"),
        // A stream that ends takes its connection along: it may have been ended because nobody read.
        (header::CONNECTION, "close"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Says when to come back: to a reader of streams in a stream, since any other status than 200 makes a
/// browser give up for good.
fn turned_away(reason: &'static str, reads_streams: bool) -> Response {
    let pause = jittered(LATER);
    if reads_streams {
        return head(Body::from(bye(reason, pause).concat()));
    }
    Problem::new("overloaded", "no more event streams are served here at present")
        .retry_after(pause)
        .into_response()
}

/// What is sent before anything else: it makes proxies pass the head on.
pub(super) fn greeting() -> Bytes {
    ccm_fanout::frame::retry(millis(jittered(Duration::from_secs(2))))
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
