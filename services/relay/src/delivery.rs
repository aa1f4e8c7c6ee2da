//! From the log to one sink: in order, at least once, whatever the receiver does.
//!
//! An event that is not taken holds up those behind it and is tried again, later each time, until it is given
//! up as a dead letter. Sinks share nothing but the log, so one that fails holds up no other.
//!
//! **Invariant:** what was sent is written down before the next event is sent; what was given up is kept as a
//! dead letter before the cursor passes it. A relay that dies in between repeats one event.

mod replay;

use std::sync::Arc;
use std::time::Duration;

use ccm_app::{Fleet, FleetError};
use ccm_domain::sink::{Attempt, AttemptOutcome, DeadLetterState, pause_after};
use ccm_domain::{DeadLetter, Sink};
use ccm_events::Event;
use ccm_ports::{Logged, StoreError, Writer};
use ccm_runtime::{Backoff, CancellationToken};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::DeliveryTimes;
use crate::cursor::Place;
use crate::instruments::Instruments;
use crate::sinks::{Poster, Refusal, SinkSpec};

/// Events read from the log at a time.
const PAGE: usize = 100;

/// How long a request under way may still take when the relay hands over. What it then leaves is repeated.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// How long the last write may take when the relay hands over.
const LAST_WRITE: Duration = Duration::from_millis(500);

/// What all sinks of a relay share.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) fleet: Fleet,
    pub(crate) times: DeliveryTimes,
    /// How often a sink looks for what people asked, and for events when nobody woke it.
    pub(crate) poll: Duration,
    pub(crate) instruments: Instruments,
}

/// One sink being served.
struct Line {
    desk: Desk,
    spec: SinkSpec,
    poster: Poster,
    place: Place,
    looked: Option<Instant>,
    /// The receiver asked for a pause outside of the order of events.
    quiet_until: Option<Instant>,
    leaving: CancellationToken,
}

/// What comes after a round.
enum Next {
    /// The next one at once.
    Round,
    /// One when there are new events.
    Events,
    /// One after a while.
    After(Duration),
}

/// What came of one request.
enum Sent {
    Taken(Attempt),
    Refused(Attempt, Refusal),
    /// The relay hands over; nobody knows.
    Abandoned,
}

/// Serves one sink until the relay leaves. `events` changes when the log has grown.
pub(crate) async fn serve(
    desk: Desk,
    spec: SinkSpec,
    mut events: watch::Receiver<u64>,
    leaving: CancellationToken,
) {
    let mut backoff = Backoff::default();
    let name = spec.name.clone();
    let mut line = loop {
        match Line::open(&desk, &spec, &leaving).await {
            Ok(line) => break line,
            Err(err) => {
                tracing::warn!(error = format!("{err:#}"), "the sink {name} was not opened")
            }
        }
        if sleep(backoff.next_pause(), &leaving).await.is_none() {
            return;
        }
    };
    backoff.reset();
    while !leaving.is_cancelled() {
        events.mark_unchanged();
        let next = match line.round().await {
            Ok(next) => {
                backoff.reset();
                next
            }
            Err(err) => {
                let error = format!("{:#}", anyhow::Error::new(err));
                tracing::warn!(error, "the sink {name} was not served, trying again");
                Next::After(backoff.next_pause())
            }
        };
        match next {
            Next::Round => {}
            Next::After(pause) => drop(sleep(pause, &leaving).await),
            Next::Events => tokio::select! {
                biased;
                () = leaving.cancelled() => {}
                () = tokio::time::sleep(desk.poll) => {}
                // Without a sender there is no relay, which is about to drop this.
                _ = events.changed() => {}
            },
        }
    }
    line.close().await;
}

/// Waits, unless the relay leaves.
async fn sleep(pause: Duration, leaving: &CancellationToken) -> Option<()> {
    leaving.run_until_cancelled(tokio::time::sleep(pause)).await
}

impl Line {
    async fn open(
        desk: &Desk,
        spec: &SinkSpec,
        leaving: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let poster = Poster::new(spec.clone(), desk.times.timeout)?;
        let place = Place::open(&desk.fleet, spec).await?;
        tracing::info!(sink.cursor = place.cursor(), "the sink {} is sent to", spec.name);
        Ok(Self {
            desk: desk.clone(),
            spec: spec.clone(),
            poster,
            place,
            looked: None,
            quiet_until: None,
            leaving: leaving.clone(),
        })
    }

    /// Does what can be done now.
    async fn round(&mut self) -> Result<Next, StoreError> {
        let is_due = self.looked.is_none_or(|at| at.elapsed() >= self.desk.poll);
        if is_due {
            self.place.reload().await?;
        }
        if !self.place.sink().is_active() {
            return Ok(Next::After(self.desk.poll));
        }
        if is_due {
            let is_done = if self.wait().is_none() { self.replay().await? } else { true };
            self.looked = is_done.then(Instant::now);
        }
        let log = Arc::clone(&self.desk.fleet.stores.log);
        // One that waits needs to know no more than whether there is a gap, or something to give up.
        let limit = if self.wait().is_some() { 1 } else { PAGE };
        let page = log.read(self.place.cursor(), limit).await?;
        let oldest = match page.first() {
            Some(first) => {
                // After the log: what people asked for before an event was committed holds for it.
                self.place.reload().await?;
                first.seq
            }
            None if is_due => log.oldest().await?,
            None => 0,
        };
        self.note_gap(oldest).await?;
        for logged in &page {
            if self.leaving.is_cancelled() || !self.place.sink().is_active() {
                return Ok(Next::Round);
            }
            if !self.spec.wants(logged.change.kind) {
                self.place.pass(logged.seq);
            } else if self.gives_up(logged) {
                self.bury(logged).await?;
            } else if let Some(pause) = self.wait() {
                // Not longer than it takes to see that a person wants something else.
                return Ok(Next::After(pause.min(self.desk.poll)));
            } else if !self.deliver(logged).await? {
                // It holds up those behind it.
                return Ok(Next::Round);
            }
        }
        self.place.save_soon().await?;
        let is_more = page.len() == limit || self.looked.is_none();
        Ok(if is_more { Next::Round } else { Next::Events })
    }

    /// Returns how long the receiver is to be left alone.
    fn wait(&self) -> Option<Duration> {
        let quiet = self.quiet_until.map(|until| until.saturating_duration_since(Instant::now()));
        let failing = self.place.sink().failing.as_ref();
        let now = self.desk.fleet.now();
        let next = failing.map(|failing| failing.next_at.since(now));
        quiet.max(next).filter(|pause| !pause.is_zero())
    }

    fn gives_up(&self, logged: &Logged) -> bool {
        let (after, now) = (self.desk.times.give_up, self.desk.fleet.now());
        self.place.sink().gives_up(logged.seq, logged.change.time, after, now)
    }

    async fn note_gap(&mut self, oldest: u64) -> Result<(), StoreError> {
        if oldest <= self.place.cursor() + 1 {
            return Ok(());
        }
        let now = self.desk.fleet.now();
        self.place
            .write(|sink| {
                sink.miss(oldest, now);
            })
            .await?;
        if let Some(gap) = self.place.sink().gap {
            let (name, missed) = (&self.spec.name, gap.to - gap.from + 1);
            self.desk.instruments.missed(name, missed);
            tracing::warn!(
                "the log forgot the events {} to {} before they were sent to {name}: it goes on behind them",
                gap.from,
                gap.to
            );
        }
        Ok(())
    }

    /// Sends one event and writes down what came of it; returns whether it was taken.
    async fn deliver(&mut self, logged: &Logged) -> Result<bool, StoreError> {
        let event = Event::logged(logged.seq, &logged.change);
        match self.send(logged.seq, &logged.change.id, event.kind.name(), event.json).await {
            Sent::Taken(attempt) => {
                self.place.write(|sink| sink.deliver(attempt.clone())).await?;
                Ok(true)
            }
            Sent::Refused(attempt, refusal) => {
                let now = self.desk.fleet.now();
                let pause = self.pause(&refusal);
                self.place
                    .write(|sink| {
                        sink.fail(attempt.clone(), pause, now);
                        turn_off_if_gone(sink, &refusal, now);
                    })
                    .await?;
                self.tell(&attempt, &refusal);
                Ok(false)
            }
            Sent::Abandoned => Ok(false),
        }
    }

    /// Sends one event.
    async fn send(&self, seq: u64, event: &str, kind: &str, json: bytes::Bytes) -> Sent {
        let (at, began) = (self.desk.fleet.now(), Instant::now());
        let last_moment = async {
            self.leaving.cancelled().await;
            tokio::time::sleep(LAST_REQUEST).await;
        };
        let outcome = tokio::select! {
            biased;
            outcome = self.poster.post(event, json) => outcome,
            () = last_moment => return Sent::Abandoned,
        };
        let took = began.elapsed();
        self.desk.instruments.sent(&self.spec.name, outcome.is_ok(), took);
        let mut attempt = Attempt {
            seq,
            event: event.to_owned(),
            kind: kind.to_owned(),
            at,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            outcome: AttemptOutcome::Delivered,
            status: None,
            error: None,
            replay: false,
        };
        match outcome {
            Ok(status) => {
                attempt.status = Some(status);
                Sent::Taken(attempt)
            }
            Err(refusal) => {
                attempt.outcome = AttemptOutcome::Failed;
                attempt.status = refusal.status;
                attempt.error = Some(refusal.reason.clone());
                Sent::Refused(attempt, refusal)
            }
        }
    }

    /// Returns the pause after one more failure: ours, or the receiver's when that is longer.
    fn pause(&self, refusal: &Refusal) -> Duration {
        let times = &self.desk.times;
        let failing = self.place.sink().failing.as_ref();
        // A new event is not to blame for those before it, but the receiver is the same.
        let failures = failing.map_or(0, |failing| failing.failures).saturating_add(1);
        let pause = pause_after(failures, times.first_pause, times.longest_pause, rand::random());
        pause.max(refusal.retry_after.unwrap_or_default())
    }

    /// Keeps an event as a dead letter, then passes it.
    async fn bury(&mut self, logged: &Logged) -> Result<(), StoreError> {
        let event = Event::logged(logged.seq, &logged.change);
        let failing = self.place.sink().failing.as_ref();
        let attempts = failing.filter(|f| f.seq == logged.seq).map_or(0, |f| f.attempts);
        let error = failing.map(|failing| failing.error.clone()).unwrap_or_default();
        let letter = DeadLetter {
            sink: self.spec.name.clone(),
            seq: logged.seq,
            rev: 1,
            event: logged.change.id.clone(),
            kind: event.kind.name().to_owned(),
            json: String::from_utf8_lossy(&event.json).into_owned(),
            state: DeadLetterState::Dead,
            attempts,
            error,
            died_at: self.desk.fleet.now(),
            replayed_by: None,
            replayed_at: None,
        };
        match self.desk.fleet.stores.dead_letters.insert(&letter, &[], Writer::Intent).await {
            // A relay that died here kept it already.
            Ok(()) | Err(StoreError::Taken(_)) => {}
            Err(err) => return Err(err),
        }
        self.place.write(|sink| sink.give_up(logged.seq)).await?;
        let name = &self.spec.name;
        self.desk.instruments.died(name);
        tracing::warn!(
            event.seq = logged.seq,
            event.id = letter.event,
            error = letter.error,
            "the event {} was given up for the sink {name} after {attempts} attempts",
            logged.seq
        );
        Ok(())
    }

    fn tell(&self, attempt: &Attempt, refusal: &Refusal) {
        let (name, seq, error) = (&self.spec.name, attempt.seq, &refusal.reason);
        if refusal.is_for_good() {
            tracing::warn!(
                event.seq = seq,
                error,
                "the sink {name} is disabled: its receiver is gone"
            );
            return;
        }
        let nth = self.place.sink().failing.as_ref().map_or(1, |failing| failing.failures);
        // The first failure is news; that it goes on can be seen in the sink.
        if nth == 1 {
            tracing::warn!(event.seq = seq, error, "the sink {name} did not take the event {seq}");
        } else {
            tracing::debug!(event.seq = seq, error, "the sink {name} failed {nth} times in a row");
        }
    }

    /// Writes down how far it is, for the next leader.
    async fn close(mut self) {
        let name = self.spec.name.clone();
        match tokio::time::timeout(LAST_WRITE, self.place.save()).await {
            Ok(Ok(())) => {}
            Ok(Err(err)) => {
                let error = format!("{:#}", anyhow::Error::new(err));
                tracing::warn!(error, "the place of the sink {name} was not written down");
            }
            Err(_) => tracing::warn!("the place of the sink {name} was not written down in time"),
        }
    }
}

/// A receiver that is gone is sent nothing until a person says otherwise.
fn turn_off_if_gone(sink: &mut Sink, refusal: &Refusal, now: ccm_domain::Timestamp) {
    if refusal.is_for_good() {
        // One that left the configuration meanwhile is off already.
        let _ = sink.disable("the receiver answered 410 Gone", now);
    }
}

/// Says what the store said; other errors do not come from here.
fn of_store(err: FleetError) -> StoreError {
    match err {
        FleetError::Store(err) => err,
        err @ (FleetError::Domain(_) | FleetError::Remote(_) | FleetError::Contended(_)) => {
            StoreError::Unavailable(anyhow::Error::new(err))
        }
    }
}
