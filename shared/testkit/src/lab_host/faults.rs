//! What goes wrong with one controller, for how long.

use std::time::Duration;

use ccm_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// One way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fault {
    /// Nothing answers: connections break.
    Unreachable,
    /// Connections are taken, answers never come.
    Hang,
    /// Each answer comes this much later.
    Slow {
        /// Delay in milliseconds of the machine's time.
        millis: u64,
    },
    /// Each call is answered with this status.
    Status {
        /// HTTP status, such as 500.
        status: u16,
    },
    /// Answers are cut short and cannot be parsed.
    Garbage,
    /// The answer never ends.
    Flood,
    /// The controller's clock is wrong.
    ClockSkew {
        /// Seconds ahead; negative when behind.
        seconds: i64,
    },
    /// Every token is refused, also one just handed out.
    TokensRefused,
    /// The licence server cannot be reached from there.
    LicenseServerAway,
    /// The licence agent is busy with something else.
    LicenseAgentBusy,
}

/// The faults of one controller.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<Spell>);

/// A fault and the time in which it holds.
#[derive(Clone, Copy, Debug)]
struct Spell {
    fault: Fault,
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Faults {
    /// Adds a fault that holds from one moment until another, or for ever.
    pub fn add(&mut self, fault: Fault, from: Timestamp, until: Option<Timestamp>) {
        self.0.push(Spell { fault, from, until });
    }

    /// Ends all faults, also those that are yet to come.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the faults that hold at `now`, in the order of their adding.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = Fault> + '_ {
        self.0
            .iter()
            .filter(move |spell| spell.from <= now && spell.until.is_none_or(|end| now < end))
            .map(|spell| spell.fault)
    }

    /// Whether exactly this fault holds at `now`.
    #[must_use]
    pub fn has(&self, fault: Fault, now: Timestamp) -> bool {
        self.at(now).any(|other| other == fault)
    }

    /// Returns what the controller's own clock shows at `now`.
    #[must_use]
    pub fn controller_time(&self, now: Timestamp) -> Timestamp {
        self.at(now).fold(now, |at, fault| match fault {
            Fault::ClockSkew { seconds } if seconds >= 0 => {
                at.plus(Duration::from_secs(seconds.unsigned_abs()))
            }
            Fault::ClockSkew { seconds } => at.minus(Duration::from_secs(seconds.unsigned_abs())),
            Fault::Unreachable
            | Fault::Hang
            | Fault::Slow { .. }
            | Fault::Status { .. }
            | Fault::Garbage
            | Fault::Flood
            | Fault::TokensRefused
            | Fault::LicenseServerAway
            | Fault::LicenseAgentBusy => at,
        })
    }
}
