//! The only source of "now".

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::Timestamp;

/// Tells the wall-clock time. Implemented by [`SystemClock`] and by `ccm_testkit`'s moved clocks.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;

    /// Returns how much real time a simulated span takes: 1 for real time, 60 when a minute passes each second.
    fn speed(&self) -> f64 {
        1.0
    }
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let passed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp::from_millis(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
    }
}
