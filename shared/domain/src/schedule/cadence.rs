//! The grid on which a schedule's slots lie.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Slot;
use crate::FieldFault;

/// The shortest period, seconds: a tick of the scheduler takes a fraction of it.
pub const LEAST_EVERY_S: u64 = 5;

/// The longest period, seconds: a week; what is rarer has a calendar, hence cron.
pub const MOST_EVERY_S: u64 = 7 * 86_400;

/// The widest spread of a cron schedule, seconds.
const MOST_CRON_JITTER_S: u64 = 3_600;

/// More missed slots of a cron schedule than this are not counted one by one.
const MOST_COUNTED: usize = 10_000;

/// How many gaps of a cron expression are measured against the shortest period.
const GAPS_MEASURED: usize = 64;

/// How often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cadence {
    /// At a fixed period.
    Every {
        /// The period, seconds.
        seconds: u64,
    },
    /// By the calendar, in UTC.
    Cron {
        /// Five fields, or six with seconds in front, or seven with years at the end.
        expression: String,
    },
}

/// A cadence with its place in the spread, ready to be asked.
pub(super) struct Grid {
    rhythm: Rhythm,
    phase_ms: i64,
}

enum Rhythm {
    Period(i64),
    Calendar(Box<cron::Schedule>),
}

impl Cadence {
    /// Adds what is out of bounds, with the spread that goes with it.
    pub(super) fn check(&self, jitter_s: u64, faults: &mut Vec<FieldFault>) {
        let most_jitter = match self {
            Self::Every { seconds } => {
                if !(LEAST_EVERY_S..=MOST_EVERY_S).contains(seconds) {
                    let detail = format!("must be from {LEAST_EVERY_S} to {MOST_EVERY_S}");
                    faults.push(FieldFault::new("/cadence/seconds", detail));
                }
                *seconds
            }
            Self::Cron { expression } => {
                if let Err(detail) = check_cron(expression) {
                    faults.push(FieldFault::new("/cadence/expression", detail));
                }
                MOST_CRON_JITTER_S
            }
        };
        if jitter_s > most_jitter {
            let detail = format!("must be at most {most_jitter}");
            faults.push(FieldFault::new("/jitter_s", detail));
        }
    }
}

impl Grid {
    /// Returns none for a cadence that nothing can be said about, which never passes the check.
    pub(super) fn new(name: &str, cadence: &Cadence, jitter_s: u64) -> Option<Self> {
        let rhythm = match cadence {
            Cadence::Every { seconds } => {
                let period = i64::try_from(seconds.checked_mul(1_000)?).ok()?;
                (period > 0).then_some(Rhythm::Period(period))?
            }
            Cadence::Cron { expression } => Rhythm::Calendar(Box::new(parse(expression).ok()?)),
        };
        Some(Self { rhythm, phase_ms: phase(name, jitter_s) })
    }

    /// Returns the first slot after another.
    pub(super) fn after(&self, slot: Slot) -> Option<Slot> {
        let base = slot.0.checked_sub(self.phase_ms)?;
        let found = match &self.rhythm {
            Rhythm::Period(period) => {
                base.div_euclid(*period).checked_add(1)?.checked_mul(*period)?
            }
            Rhythm::Calendar(cron) => millis(cron.after(&moment(base)?).next()?),
        };
        Some(Slot(found.checked_add(self.phase_ms)?))
    }

    /// Returns the newest slot that is not after another.
    pub(super) fn newest(&self, slot: Slot) -> Option<Slot> {
        let base = slot.0.checked_sub(self.phase_ms)?;
        let found = match &self.rhythm {
            Rhythm::Period(period) => base.div_euclid(*period).checked_mul(*period)?,
            Rhythm::Calendar(cron) => millis(cron.after(&moment(base + 1)?).next_back()?),
        };
        Some(Slot(found.checked_add(self.phase_ms)?))
    }

    /// Counts the slots after `first` up to and with `last`.
    pub(super) fn count(&self, first: Slot, last: Slot) -> u64 {
        let (from, to) = (first.0 - self.phase_ms, last.0 - self.phase_ms);
        match &self.rhythm {
            Rhythm::Period(period) => {
                u64::try_from(to.div_euclid(*period) - from.div_euclid(*period)).unwrap_or(0)
            }
            Rhythm::Calendar(cron) => moment(from).map_or(0, |from| {
                cron.after(&from).take(MOST_COUNTED).take_while(|at| millis(*at) <= to).count()
                    as u64
            }),
        }
    }
}

fn check_cron(expression: &str) -> Result<(), String> {
    let cron = parse(expression)?;
    let from = moment(0).unwrap_or_default();
    let times: Vec<i64> = cron.after(&from).take(GAPS_MEASURED + 1).map(millis).collect();
    if times.is_empty() {
        return Err("never comes due".to_owned());
    }
    let least = i64::try_from(LEAST_EVERY_S * 1_000).unwrap_or(i64::MAX);
    if times.iter().zip(times.iter().skip(1)).any(|(a, b)| b - a < least) {
        return Err(format!("must leave at least {LEAST_EVERY_S} s between two runs"));
    }
    Ok(())
}

fn parse(expression: &str) -> Result<cron::Schedule, String> {
    let fields = expression.split_whitespace().count();
    let whole = if fields == 5 { format!("0 {expression}") } else { expression.to_owned() };
    cron::Schedule::from_str(&whole)
        .map_err(|_| "must be a cron expression such as '*/10 * * * *'".to_owned())
}

fn moment(millis: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis)
}

const fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// A schedule's own place within the spread: a hash of its name (FNV-1a, then mixed), so that it is the
/// same on every machine, in every version, after every restart.
fn phase(name: &str, jitter_s: u64) -> i64 {
    let Some(range) = jitter_s.checked_mul(1_000).filter(|range| *range > 0) else { return 0 };
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 31;
    i64::try_from(hash % range).unwrap_or(0)
}
