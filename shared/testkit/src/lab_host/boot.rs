//! How far a controller has come since its instance got power.

use std::time::Duration;

use ccm_domain::Timestamp;

/// How long each stage of a boot lasts, counted from power-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootTimes {
    /// Until the web server listens.
    pub listens: Duration,
    /// Until the web server finds the controller behind it; 502 before.
    pub answers: Duration,
    /// Until the controller can start nodes.
    pub ready: Duration,
}

impl Default for BootTimes {
    /// Times as seen with CML on metal instances, shortened by the firmware's self test.
    fn default() -> Self {
        Self {
            listens: Duration::from_secs(70),
            answers: Duration::from_secs(110),
            ready: Duration::from_secs(170),
        }
    }
}

/// Where in its boot a controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The instance has no power.
    Off,
    /// The kernel boots; nothing listens.
    Dark,
    /// The web server answers 502 for the controller behind it.
    BadGateway,
    /// The controller answers and says that it is not ready.
    Starting,
    /// The controller can start nodes.
    Ready,
}

impl BootTimes {
    /// Returns the stage at `now` of a controller powered since `since`.
    #[must_use]
    pub fn stage(&self, since: Option<Timestamp>, now: Timestamp) -> Stage {
        let Some(since) = since else { return Stage::Off };
        let up = now.since(since);
        match () {
            () if up < self.listens => Stage::Dark,
            () if up < self.answers => Stage::BadGateway,
            () if up < self.ready => Stage::Starting,
            () => Stage::Ready,
        }
    }
}
