//! Clocks that only go forward, for measuring how long something stood still.

use std::time::Duration;

/// Tells how much time passed since a fixed moment of the past.
pub trait Monotonic: Send + Sync + std::fmt::Debug {
    /// Returns the time passed; never less than before.
    fn elapsed(&self) -> Duration;
}

/// Time since the machine was started, suspension included where the system tells it.
///
/// `std`'s clock stands still while a Linux machine is suspended: a leader that slept would trust
/// itself for hours.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootTime;

impl Monotonic for BootTime {
    #[cfg(target_os = "linux")]
    fn elapsed(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
        Duration::new(seconds, nanos)
    }

    #[cfg(not(target_os = "linux"))]
    fn elapsed(&self) -> Duration {
        static FIRST_LOOK: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        FIRST_LOOK.get_or_init(std::time::Instant::now).elapsed()
    }
}

/// Time as tokio's timers see it, which stands still where a test paused it.
#[derive(Clone, Copy, Debug)]
pub struct TimerTime(tokio::time::Instant);

impl Default for TimerTime {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Monotonic for TimerTime {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
