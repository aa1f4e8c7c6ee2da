//! Clocks that tests and simulations move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ccm_domain::Timestamp;
use ccm_ports::Clock;

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    /// Starts at the given moment.
    #[must_use]
    pub const fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millis()))
    }

    /// Moves on by `span`.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that runs `speed` times as fast as the machine's, from a given start.
#[derive(Debug)]
pub struct FastClock {
    start: Timestamp,
    begun: Instant,
    speed: f64,
}

impl FastClock {
    /// Starts at `start`; `speed` 60 lets a minute pass each second.
    #[must_use]
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self { start, begun: Instant::now(), speed }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.start.plus(self.begun.elapsed().mul_f64(self.speed))
    }

    fn speed(&self) -> f64 {
        self.speed
    }
}
