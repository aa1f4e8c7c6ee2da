//! The store's clock: the server's time, carried on by this machine's monotonic clock.
//!
//! Schedules, retries and expiries are written by one process and read by another. A process whose wall clock is
//! off by an hour would run everything an hour late, or twice. So all take the time from where they meet.
//!
//! An exchange with the server takes a moment; the server looked at its clock somewhere within. Of several
//! exchanges the shortest one says most, and is off by half of its length at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use ccm_domain::Timestamp;
use ccm_ports::{Clock, SharedClock, StoreError, SystemClock};
use mongodb::Client;
use mongodb::bson::{Document, doc};

use super::run;

/// Exchanges of one look.
const EXCHANGES: usize = 4;

/// How old a comparison may get, in microseconds. Clocks drift apart by a millisecond in ten seconds at worst.
const OLD: i64 = 30_000_000;

/// A step or a difference that a person should know of, in microseconds.
const ODD: i64 = 1_000_000;

/// A look that may be wrong by more, in microseconds, is worth less than one that is some minutes old.
const MOST_DOUBT: i64 = 200_000;

/// What a look at the server tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// By how much the server's time is ahead of the monotonic clock.
    pub(super) ahead: Ahead,
    /// Microseconds that this may be wrong by.
    doubt: i64,
    /// Whether the server is one of a replica set or of a cluster, and so knows majorities.
    pub(super) is_replicated: bool,
}

/// Microseconds by which the server's time is ahead of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ahead(i64);

/// One exchange, in microseconds: asked, what the server said, heard.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    asked: i64,
    said: i64,
    heard: i64,
}

impl Exchange {
    const fn length(self) -> i64 {
        self.heard - self.asked
    }

    const fn ahead(self) -> Ahead {
        Ahead(self.said - (self.asked + self.length() / 2))
    }
}

/// Asks the server for its time, several times.
pub(super) async fn look(client: &Client, timeout: Duration) -> Result<Look, StoreError> {
    let mut shortest: Option<Exchange> = None;
    let mut is_replicated = false;
    for _ in 0..EXCHANGES {
        let admin = client.database("admin");
        let asked = monotonic();
        let answer = run("ask for the server's time", timeout, async move {
            admin.run_command(doc! { "hello": 1 }).await
        })
        .await?;
        let heard = monotonic();
        is_replicated = knows_majorities(&answer);
        let exchange = Exchange { asked, said: local_time(&answer)?, heard };
        if shortest.is_none_or(|best| exchange.length() < best.length()) {
            shortest = Some(exchange);
        }
    }
    let (ahead, length) = shortest.map_or((Ahead(0), 0), |best| (best.ahead(), best.length()));
    Ok(Look { ahead, doubt: length / 2, is_replicated })
}

/// The server tells whole milliseconds, cut off; the middle of one is meant.
fn local_time(answer: &Document) -> Result<i64, StoreError> {
    let said = answer.get_datetime("localTime").map_err(|_| {
        StoreError::Corrupt(anyhow!("the server does not say what time it is; is it MongoDB?"))
    })?;
    Ok(said.timestamp_millis().saturating_mul(1_000).saturating_add(500))
}

fn knows_majorities(answer: &Document) -> bool {
    answer.contains_key("setName") || answer.get_str("msg").is_ok_and(|msg| msg == "isdbgrid")
}

/// The clock itself.
#[derive(Debug)]
pub(super) struct StoreClock(Arc<Carried>);

#[derive(Debug)]
struct Carried {
    ahead: AtomicI64,
    /// When the clocks were compared last, or when somebody last set out to.
    compared: AtomicI64,
}

impl StoreClock {
    pub(super) fn starting_at(ahead: Ahead) -> Self {
        let clock = Carried { ahead: ahead.0.into(), compared: monotonic().into() };
        let off = SystemClock.now().as_millis() - clock.now().as_millis();
        if off.saturating_mul(1_000).abs() > ODD {
            tracing::warn!(
                clock.off_ms = off,
                "this machine's clock differs from the store's, which counts"
            );
        }
        Self(Arc::new(clock))
    }

    pub(super) fn shared(&self) -> SharedClock {
        Arc::<Carried>::clone(&self.0)
    }

    /// Returns whether the clocks should be compared; of several who ask at once only one hears so.
    pub(super) fn is_due(&self) -> bool {
        let (now, last) = (monotonic(), self.0.compared.load(Ordering::Relaxed));
        let set = |from| {
            self.0.compared.compare_exchange(from, now, Ordering::Relaxed, Ordering::Relaxed)
        };
        now - last >= OLD && set(last).is_ok()
    }

    /// Takes over what a look told, unless it says less than what is known.
    pub(super) fn correct(&self, look: Look) {
        if look.doubt > MOST_DOUBT {
            return;
        }
        let before = self.0.ahead.swap(look.ahead.0, Ordering::Relaxed);
        let step = look.ahead.0.saturating_sub(before);
        if step.abs() > ODD {
            tracing::warn!(clock.step_ms = step / 1_000, "the store's clock was set");
        }
    }
}

impl Clock for Carried {
    fn now(&self) -> Timestamp {
        let now = monotonic().saturating_add(self.ahead.load(Ordering::Relaxed));
        Timestamp::from_millis(now.div_euclid(1_000))
    }
}

/// Returns microseconds on a clock that nobody sets and that goes on while the machine sleeps.
#[cfg(target_os = "linux")]
fn monotonic() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

#[cfg(not(target_os = "linux"))]
fn monotonic() -> i64 {
    static FIRST_LOOK: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let passed = FIRST_LOOK.get_or_init(std::time::Instant::now).elapsed();
    i64::try_from(passed.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_looked_at_its_clock_in_the_middle_of_an_exchange() {
        let exchange = Exchange { asked: 1_000, said: 9_000, heard: 1_600 };

        assert_eq!((exchange.ahead(), exchange.length()), (Ahead(7_700), 600));
    }

    #[test]
    fn the_time_is_carried_on_and_corrected() {
        let hour = 3_600_000_000;
        let clock = StoreClock::starting_at(Ahead(hour));
        let early = clock.shared().now();
        let machine = monotonic();

        clock.correct(Look { ahead: Ahead(2 * hour), doubt: 0, is_replicated: false });

        let late = clock.shared().now();
        assert!((hour..hour + 10_000_000).contains(&(early.as_millis() * 1_000 - machine + 1_000)));
        assert!(late.as_millis() - early.as_millis() >= 3_600_000);
    }

    #[test]
    fn a_look_that_says_little_changes_nothing() {
        let clock = StoreClock::starting_at(Ahead(0));

        clock.correct(Look {
            ahead: Ahead(9_000_000),
            doubt: MOST_DOUBT + 1,
            is_replicated: false,
        });

        assert_eq!(clock.0.ahead.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn of_many_who_ask_at_once_one_compares_the_clocks() {
        let clock = StoreClock::starting_at(Ahead(0));
        assert!(!clock.is_due());

        clock.0.compared.store(monotonic() - OLD, Ordering::Relaxed);

        assert_eq!((0..10).filter(|_| clock.is_due()).count(), 1);
    }
}
