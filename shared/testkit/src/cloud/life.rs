//! An instance's way through EC2's states, computed from the clock at each read.
//!
//! **Invariant:** nothing here runs by itself. A life is what was last asked of the instance and how long
//! that takes; the state at a moment follows from it.

use std::ops::Range;
use std::time::Duration;

use ccm_domain::{InstanceState, InstanceType, StatusCheck, Timestamp};

use super::Chance;

/// How long transitions take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// From the call that starts an instance to `running`.
    pub pending: Range<Duration>,
    /// From `running` to passed status checks.
    pub checks: Range<Duration>,
    /// From the call that stops an instance to `stopped`.
    pub stopping: Range<Duration>,
    /// From the call that terminates an instance to `terminated`.
    pub shutting_down: Range<Duration>,
    /// How long a terminated instance is still shown.
    pub shown_terminated: Duration,
    /// How much longer everything takes on `*.metal` types.
    pub metal_factor: u32,
}

impl Default for Timings {
    /// What EC2 shows in practice.
    fn default() -> Self {
        let seconds = |from, to| Duration::from_secs(from)..Duration::from_secs(to);
        Self {
            pending: seconds(8, 20),
            checks: seconds(60, 120),
            stopping: seconds(10, 40),
            shutting_down: seconds(10, 40),
            shown_terminated: Duration::from_secs(3_600),
            metal_factor: 4,
        }
    }
}

/// What was last asked of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It was started.
    Up {
        /// When `pending` ends.
        running_at: Timestamp,
        /// When the status checks have passed.
        checked_at: Timestamp,
    },
    /// It was stopped.
    Down {
        /// When `stopping` ends.
        stopped_at: Timestamp,
    },
    /// It was started, but dies before it runs; EC2 goes from `pending` to `terminated` then.
    Stillborn {
        /// When `pending` ends.
        terminated_at: Timestamp,
        /// From when on EC2 does not know it any more.
        forgotten_at: Timestamp,
    },
    /// It was terminated.
    Gone {
        /// When `shutting-down` ends.
        terminated_at: Timestamp,
        /// From when on EC2 does not know it any more.
        forgotten_at: Timestamp,
    },
}

impl Life {
    pub(super) fn started(
        timings: &Timings,
        of: &InstanceType,
        chance: Chance,
        now: Timestamp,
    ) -> Self {
        let factor = timings.factor(of);
        let running_at = now.plus(chance.of("pending").span(&timings.pending) * factor);
        let checked_at = running_at.plus(chance.of("checks").span(&timings.checks) * factor);
        Self::Up { running_at, checked_at }
    }

    pub(super) fn stillborn(timings: &Timings, chance: Chance, now: Timestamp) -> Self {
        let terminated_at = now.plus(chance.of("pending").span(&timings.pending));
        Self::Stillborn {
            terminated_at,
            forgotten_at: terminated_at.plus(timings.shown_terminated),
        }
    }

    pub(super) fn stopped(
        timings: &Timings,
        of: &InstanceType,
        chance: Chance,
        now: Timestamp,
    ) -> Self {
        let takes = chance.of("stopping").span(&timings.stopping) * timings.factor(of);
        Self::Down { stopped_at: now.plus(takes) }
    }

    pub(super) fn terminated(
        timings: &Timings,
        of: &InstanceType,
        chance: Chance,
        now: Timestamp,
    ) -> Self {
        let takes = chance.of("shutting down").span(&timings.shutting_down) * timings.factor(of);
        let terminated_at = now.plus(takes);
        Self::Gone { terminated_at, forgotten_at: terminated_at.plus(timings.shown_terminated) }
    }

    /// Returns EC2's state, `None` when the instance is not known any more.
    pub(super) fn state(self, now: Timestamp) -> Option<InstanceState> {
        Some(match self {
            Self::Up { running_at, .. } if now < running_at => InstanceState::Pending,
            Self::Up { .. } => InstanceState::Running,
            Self::Down { stopped_at } if now < stopped_at => InstanceState::Stopping,
            Self::Down { .. } => InstanceState::Stopped,
            Self::Stillborn { terminated_at, .. } if now < terminated_at => InstanceState::Pending,
            Self::Gone { terminated_at, .. } if now < terminated_at => InstanceState::ShuttingDown,
            Self::Stillborn { forgotten_at, .. } | Self::Gone { forgotten_at, .. }
                if now < forgotten_at =>
            {
                InstanceState::Terminated
            }
            Self::Stillborn { .. } | Self::Gone { .. } => return None,
        })
    }

    /// Returns what both status checks say of a healthy instance.
    pub(super) fn check(self, now: Timestamp) -> StatusCheck {
        match self {
            Self::Up { running_at, checked_at } if now >= running_at => {
                if now < checked_at {
                    StatusCheck::Initializing
                } else {
                    StatusCheck::Ok
                }
            }
            Self::Up { .. } | Self::Down { .. } | Self::Stillborn { .. } | Self::Gone { .. } => {
                StatusCheck::NotApplicable
            }
        }
    }
}

impl Timings {
    fn factor(&self, of: &InstanceType) -> u32 {
        if of.as_str().contains(".metal") { self.metal_factor } else { 1 }
    }
}
