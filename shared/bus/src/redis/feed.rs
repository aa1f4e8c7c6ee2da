//! Subscriptions that notice by themselves when they hear nothing, and the history.
//!
//! Every two seconds a subscription has a message said to itself. It was said at the moment at which the log's
//! last number was read, and connections keep their order: when it comes back, everything up to that number
//! must have been heard. If it does not come back, or something is missing, the connection is made anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ccm_events::Event;
use ccm_ports::{BusError, Heard};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use redis::cmd;
use redis::streams::StreamRangeReply;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Core;
use super::ear::{Ear, Hear, Told};
use super::error::{Failed, unavailable};
use super::health::Seat;
use super::inbox::{Compared, Inbox};
use super::keys::{CLEARED, EVENT};
use super::link::CALL;
use super::pause::Pause;

/// Time between two probes. With [`CALL`] and [`ECHO`] a half-dead connection is found in less than 5 s.
const PROBE: Duration = Duration::from_secs(2);
/// The longest way of a probe back.
const ECHO: Duration = Duration::from_secs(1);

impl Core {
    /// Returns the first and the last number in the log, 0 and 0 when it is empty; at the same moment says a
    /// text on a channel.
    pub(super) async fn bounds(&self, say: Option<(&str, u64)>) -> Result<(u64, u64), BusError> {
        let mut call = self.scripts.bounds.on(&self.keys.log);
        if let Some((channel, text)) = say {
            call.arg(channel).arg(self.publish()).arg(text);
        }
        self.link.script(&call).await
    }

    pub(super) async fn kept(&self) -> Result<Option<(u64, u64)>, BusError> {
        let (oldest, last) = self.bounds(None).await?;
        Ok((last > 0).then_some((oldest, last)))
    }

    pub(super) async fn history(&self, after: u64, limit: usize) -> Result<Vec<Event>, BusError> {
        let mut range = cmd("XRANGE");
        range.arg(&self.keys.log).arg(format!("{}-0", after.saturating_add(1))).arg("+");
        range.arg("COUNT").arg(limit);
        let entries: StreamRangeReply = self.link.command(&range, CALL).await?;
        let mut events = Vec::with_capacity(entries.ids.len());
        for mut entry in entries.ids {
            let json = entry.map.remove(EVENT).unwrap_or(redis::Value::Nil);
            let json: Vec<u8> = redis::from_redis_value(json).map_err(unavailable)?;
            match Event::parse(json.into()) {
                Ok(event) => events.push(event),
                // A newer process wrote it; the log has it too, for whoever can read it there.
                Err(err) => {
                    tracing::warn!(event.seq = entry.id, error = %err, "an event in Redis cannot be read");
                    break;
                }
            }
        }
        Ok(events)
    }
}

/// Subscribes, and follows until the stream is dropped or the bus is closed.
pub(super) async fn subscribe(
    core: &Arc<Core>,
    closing: CancellationToken,
) -> Result<BoxStream<'static, Heard>, BusError> {
    let inbox = Arc::new(Inbox::new(core.limits.backlog, core.limits.backlog_bytes));
    let mut subscription = Subscription {
        own: core.keys.echo(rand::random()),
        core: Arc::clone(core),
        inbox: Arc::clone(&inbox),
        echo: watch::Sender::new(Echo::default()),
        probes: 0,
    };
    let ear = subscription.open(false).await?;
    // Ends the task with the stream.
    let mut task = JoinSet::new();
    let mine = Arc::clone(&inbox);
    task.spawn(async move {
        closing.run_until_cancelled(subscription.follow(ear)).await;
        mine.close();
    });
    let heard = stream::unfold((inbox, task), |(inbox, task)| async move {
        inbox.next().await.map(|heard| (heard, (inbox, task)))
    });
    Ok(heard.boxed())
}

struct Subscription {
    core: Arc<Core>,
    inbox: Arc<Inbox>,
    /// The channel of our own probes.
    own: String,
    echo: watch::Sender<Echo>,
    probes: u64,
}

/// The last probe that came back.
#[derive(Clone, Copy, Debug, Default)]
struct Echo {
    probe: u64,
    /// The last logged event heard before it.
    heard: Option<u64>,
}

/// Why a connection is given up.
enum Lost {
    /// It was closed, or the subscription was taken away.
    Cut,
    /// The probe did not come back.
    Silent,
    /// Something was told that was not heard.
    Missed,
    /// The Sentinels name another primary.
    Deposed,
    /// The probe could not be said.
    Unanswered(BusError),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("the subscription was cut"),
            Self::Silent => f.write_str("the subscription is silent"),
            Self::Missed => f.write_str("events were not heard"),
            Self::Deposed => f.write_str("the Sentinels name another primary"),
            // With what is behind it: it is shown to people.
            Self::Unanswered(BusError::Unavailable(cause)) => write!(f, "no probe: {cause:#}"),
            Self::Unanswered(err) => write!(f, "no probe: {err}"),
        }
    }
}

impl Subscription {
    /// Connects; when it is `again`, subscribers hear of the gap before anything else.
    async fn open(&self, again: bool) -> Result<Ear, Failed> {
        let turn = self.inbox.next_turn();
        let (inbox, echo) = (Arc::clone(&self.inbox), self.echo.clone());
        let (live, own) = (self.core.keys.live.clone(), self.own.clone());
        let hear: Hear = Arc::new(move |told| match told {
            Told::Subscribed(channel) => {
                if again && channel == live.as_bytes() {
                    inbox.gap(turn);
                }
            }
            Told::Message { channel, text } if channel == own.as_bytes() => {
                let probe = String::from_utf8(text).ok().and_then(|text| text.parse().ok());
                let heard = inbox.heard(turn);
                echo.send_replace(Echo { probe: probe.unwrap_or_default(), heard });
            }
            Told::Message { text, .. } if text == CLEARED.as_bytes() => inbox.gap(turn),
            Told::Message { text, .. } => match Event::parse(text.into()) {
                Ok(event) => inbox.push(turn, event),
                Err(err) => {
                    tracing::warn!(error = %err, "an event that was told cannot be read");
                    inbox.gap(turn);
                }
            },
        });
        Ear::open(&self.core.servers, &[&self.own, &self.core.keys.live], &hear).await
    }

    /// Hears for ever, from one connection to the next.
    async fn follow(&mut self, mut ear: Ear) {
        let seat = Seat::take(&self.core.board);
        loop {
            let lost = self.attend(&mut ear, &seat).await;
            drop(ear);
            // What was wrong with this connection may be wrong with those for commands.
            self.core.link.forget();
            tracing::warn!("{lost}; subscribing again");
            seat.deaf(lost.to_string());
            let mut pause = Pause::default();
            ear = loop {
                pause.wait().await;
                match self.open(true).await {
                    Ok(ear) => break ear,
                    Err(err) => {
                        let error = format!("{:#}", anyhow::Error::new(err));
                        tracing::debug!(error, "cannot subscribe");
                        seat.deaf(error);
                    }
                }
            };
        }
    }

    /// Probes the connection until it is lost.
    async fn attend(&mut self, ear: &mut Ear, seat: &Seat) -> Lost {
        let mut tick = tokio::time::interval(PROBE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = ear.lost() => return Lost::Cut,
                _ = tick.tick() => {}
            }
            tokio::select! {
                () = ear.lost() => return Lost::Cut,
                probed = self.probe() => match probed {
                    Ok(()) => seat.well(),
                    Err(lost) => return lost,
                }
            }
            if ear.is_deposed(&self.core.servers).await {
                return Lost::Deposed;
            }
        }
    }

    async fn probe(&mut self) -> Result<(), Lost> {
        self.probes += 1;
        let probe = self.probes;
        let mut echo = self.echo.subscribe();
        let said = self.core.bounds(Some((&self.own, probe))).await;
        let (_, last) = said.map_err(Lost::Unanswered)?;
        let back = tokio::time::timeout(ECHO, echo.wait_for(|echo| echo.probe == probe)).await;
        let heard = match back {
            Ok(Ok(echo)) => echo.heard,
            Ok(Err(_)) | Err(_) => return Err(Lost::Silent),
        };
        match self.inbox.compare(heard, last) {
            Compared::Same => Ok(()),
            Compared::Missed => Err(Lost::Missed),
            Compared::Lost => {
                tracing::warn!(
                    event.head = heard,
                    event.last = last,
                    "Redis lost events that were told"
                );
                Ok(())
            }
        }
    }
}
