//! From the bus to the hub: subscribe, then warm the ring, then follow; fill holes before going on.
//!
//! The hub takes an event only as the successor of the last one. What is missing is read from the bus's
//! history and else from the log, which has everything before the bus has it. While the bus is away the log
//! alone is read, so that readers hear everything, only later.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ccm_events::Event;
use ccm_fanout::{Hole, Hub, Published};
use ccm_ports::{BusHealth, EventFeed, EventLog, Heard};
use ccm_runtime::{Backoff, Latch, Shell};
use ccm_telemetry::{SpanKind, Tracer, propagate};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

/// Events read at a time.
const PAGE: usize = 500;

/// Events that the ring begins with: those of readers who were cut off when the process before this one
/// ended. Older ones are in the log.
const WARM: u64 = 2_000;

/// How often the bus is asked whether something was told that was not heard.
const PROBE: Duration = Duration::from_secs(2);

/// How often the log is read while the bus is away: how much later events are then heard.
const LOG_LOOK: Duration = Duration::from_secs(1);

/// The longest pause between two tries to hear the bus again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

struct Feed {
    hub: Hub,
    feed: Arc<dyn EventFeed>,
    log: Arc<dyn EventLog>,
    latch: Latch,
    opened: watch::Sender<bool>,
    tracer: Tracer,
}

/// Follows the bus until the process stops; tells when the hub is open. Streams that are left when their
/// time to drain is over are ended by force.
pub(super) fn spawn(
    hub: &Hub,
    feed: Arc<dyn EventFeed>,
    log: Arc<dyn EventLog>,
    shell: &Shell,
) -> watch::Receiver<bool> {
    // Advisory: without events the API still serves everything else.
    let latch = shell.ready.advisory("events");
    let (opened, is_open) = watch::channel(false);
    let mut feed =
        Feed { hub: hub.clone(), feed, log, latch, opened, tracer: shell.tracer("ccm-api") };
    let (stop, hub) = (shell.stopping(), hub.clone());
    shell.tasks.spawn_critical("events", async move {
        stop.run_until_cancelled(feed.follow()).await;
        hub.close();
        Ok(())
    });
    is_open
}

impl Feed {
    /// Follows for ever, from one subscription to the next.
    async fn follow(&mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(200), LONGEST_PAUSE);
        loop {
            let Err(err) = self.follow_once(&mut backoff).await;
            let pause = backoff.next_pause();
            let error = format!("{err:#}");
            tracing::warn!(error, "the bus is not heard, trying again in {} ms", pause.as_millis());
            self.latch.close("the bus is not heard; events come from the log, later");
            self.read_log_for(pause).await;
        }
    }

    async fn read_log_for(&self, span: Duration) {
        let over = tokio::time::Instant::now() + span;
        loop {
            if let Err(err) = self.read_log().await {
                tracing::debug!(error = format!("{err:#}"), "the log was not read either");
            }
            let left = over.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOG_LOOK)).await;
        }
    }

    /// Reads on, or begins, with what the log has.
    async fn read_log(&self) -> anyhow::Result<()> {
        let is_open = *self.opened.borrow();
        if !is_open {
            self.start_with(self.log_kept().await?);
        }
        while self.take_from_log().await? {}
        self.opened.send_if_modified(|open| !std::mem::replace(open, true));
        Ok(())
    }

    /// Follows one subscription until something fails.
    async fn follow_once(
        &mut self,
        backoff: &mut Backoff,
    ) -> anyhow::Result<std::convert::Infallible> {
        // First, so that nothing is told between the look at the history and the subscription.
        let mut heard = self.feed.subscribe().await.context("subscribe")?;
        let mut health = self.feed.health();
        if *self.opened.borrow() {
            self.catch_up().await?;
        } else {
            self.warm().await.context("warm the ring")?;
            self.opened.send_replace(true);
        }
        self.latch.open();
        backoff.reset();
        let mut probe = tokio::time::interval(PROBE);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = next(&mut heard) => match next? {
                    Heard::Event(event) => self.publish(&event).await?,
                    Heard::Gap => self.catch_up().await.context("fill the gap")?,
                },
                _ = probe.tick() => self.probe().await?,
                reason = deaf(&mut health) => anyhow::bail!(reason),
            }
        }
    }

    /// Begins with the recent past.
    async fn warm(&self) -> anyhow::Result<()> {
        let kept = match self.feed.kept().await? {
            Some(kept) => kept,
            None => self.log_kept().await?,
        };
        self.start_with(kept);
        self.catch_up().await
    }

    /// Returns the oldest and the last number that the log has.
    async fn log_kept(&self) -> anyhow::Result<(u64, u64)> {
        Ok((self.log.oldest().await?, self.log.head().await?))
    }

    fn start_with(&self, (oldest, last): (u64, u64)) {
        self.hub.start(last.saturating_sub(WARM).max(oldest.saturating_sub(1)));
    }

    /// Tells an event, and before it those that are missing.
    async fn publish(&self, event: &Event) -> anyhow::Result<()> {
        let Err(Hole { after }) = self.tell(event) else { return Ok(()) };
        tracing::debug!(event.seq = after, "events behind {after} are missing");
        self.catch_up().await.context("fill a hole")?;
        if let Err(Hole { after }) = self.tell(event) {
            anyhow::bail!("the log does not have the event behind {after}");
        }
        Ok(())
    }

    /// Tells the streams of this process; one span for all of them, in the trace of what caused the event.
    fn tell(&self, event: &Event) -> Result<Published, Hole> {
        let published = self.hub.publish(event)?;
        // What the ring begins with was told long ago.
        if self.tracer.is_on() && published == Published::Told && *self.opened.borrow() {
            self.trace(event);
        }
        Ok(published)
    }

    fn trace(&self, event: &Event) {
        let Some(cause) = event.traceparent().filter(|cause| propagate::is_sampled(cause)) else {
            return;
        };
        let name = event.kind.name();
        let span = self.tracer.span(format!("tell {name}")).kind(SpanKind::Consumer);
        let span = span.under(Some(cause)).with("event.type", name).start();
        if let Some(seq) = event.seq.and_then(|seq| i64::try_from(seq).ok()) {
            span.set("event.seq", seq);
        }
    }

    /// Reads on to where the log ends: from the bus as far as it goes, then from the log.
    async fn catch_up(&self) -> anyhow::Result<()> {
        // The log is appended to first. What the bus has beyond its end is of another log, from which a store was set
        // back, until the relay empties the bus. What was added since this look is read from the log.
        let end = self.log.head().await.context("read the log's head")?;
        while self.take_from_bus(end).await? || self.take_from_log().await? {}
        Ok(())
    }

    async fn take_from_bus(&self, end: u64) -> anyhow::Result<bool> {
        let last = self.hub.last();
        if last >= end {
            return Ok(false);
        }
        let page = self.feed.history(last, PAGE).await.context("read the bus's history")?;
        for event in page.iter().filter(|event| event.seq.is_some_and(|seq| seq <= end)) {
            // A history that begins later, or anew with other numbers, leaves it to the log.
            if self.tell(event).is_err() {
                break;
            }
        }
        Ok(self.hub.last() > last)
    }

    async fn take_from_log(&self) -> anyhow::Result<bool> {
        let last = self.hub.last();
        let page = self.log.read(last, PAGE).await.context("read the log")?;
        let Some(first) = page.first() else {
            let head = self.log.head().await.context("read the log's head")?;
            if head < last {
                tracing::warn!(
                    event.head = head,
                    event.last = last,
                    "the log ends at {head}, before what was told"
                );
                self.hub.start(head);
            }
            return Ok(false);
        };
        if first.seq != last + 1 {
            tracing::warn!(
                event.last = last,
                "the log forgot what comes behind {last}: clients begin anew"
            );
            self.hub.start(first.seq - 1);
        }
        for logged in &page {
            if self.tell(&Event::logged(logged.seq, &logged.change)).is_err() {
                break;
            }
        }
        Ok(self.hub.last() > last)
    }

    /// Notices when the last event was told but not heard, behind which no hole shows.
    async fn probe(&self) -> anyhow::Result<()> {
        let kept = self.feed.kept().await.context("ask the bus for its last event")?;
        if kept.is_some_and(|(_, last)| last > self.hub.last()) {
            self.catch_up().await?;
        }
        Ok(())
    }
}

async fn next(heard: &mut BoxStream<'static, Heard>) -> anyhow::Result<Heard> {
    heard.next().await.context("the subscription ended")
}

/// Waits until subscriptions hear nothing, and returns why.
async fn deaf(health: &mut watch::Receiver<BusHealth>) -> String {
    loop {
        if let BusHealth::Deaf(reason) = &*health.borrow_and_update() {
            return reason.clone();
        }
        if health.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
