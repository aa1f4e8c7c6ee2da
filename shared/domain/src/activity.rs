//! Use of a controller by people, read from its telemetry.
//!
//! **Invariants:** only relevant categories count; our own doings never do; a use once seen is never
//! taken back; nothing lies in the future; what cannot be placed in time counts as use, because a
//! wrong guess the other way would stop a worker that somebody uses.

use std::cmp::Reverse;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::cml::{TelemetryFeed, TelemetryRecord};
use crate::settings::IdleSettings;

/// How many uses are kept to be shown.
pub const RECENT: usize = 10;

/// Kind of a use that we know of only because the feed holds more records with unreadable times.
pub const UNREADABLE: &str = "unreadable";

/// A controller's clock is believed until it is measured this far from where it was; less is the
/// time that a request takes.
const CLOCK_NOISE: Duration = Duration::from_secs(30);

const DAY: Duration = Duration::from_secs(86_400);

/// One use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// When, by our clock.
    pub at: Timestamp,
    /// What, in the words of CML's categories.
    pub kind: String,
    /// Who, as CML's account id, when told.
    #[serde(default)]
    pub user: Option<String>,
}

/// What is known of a worker's use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// When it was last used.
    pub last_at: Option<Timestamp>,
    /// What was done then.
    pub last_kind: Option<String>,
    /// Who did it.
    pub last_user: Option<String>,
    /// Uses in the day before the last reading.
    pub counted_24h: u32,
    /// The newest uses, newest first, at most [`RECENT`].
    pub recent: Vec<Use>,
    /// The newest telemetry record read, in the controller's clock.
    pub cursor: Option<Timestamp>,
    /// How far the controller's clock is ahead of ours, in milliseconds.
    pub clock_ahead_ms: i64,
    /// Records of the last reading whose time could not be read.
    pub unreadable: u32,
    /// When telemetry was first read.
    pub since: Option<Timestamp>,
    /// When telemetry was last read.
    pub read_at: Option<Timestamp>,
    /// When telemetry was last asked for.
    pub tried_at: Option<Timestamp>,
    /// Why the last attempt failed; none when it did not.
    pub read_error: Option<String>,
}

impl Activity {
    /// Takes in one reading of the feed; says whether anything that people see of it changed.
    pub fn read(&mut self, feed: &TelemetryFeed, settings: &IdleSettings, now: Timestamp) -> bool {
        let before = (self.last_at, self.counted_24h);
        self.follow_clock(feed.controller_now, now);
        let mut uses: Vec<Use> = feed
            .records
            .iter()
            .filter(|record| counts(record, feed, settings))
            .filter_map(|record| self.place(record, now))
            .collect();
        self.cursor = feed.records.iter().map(|record| record.at).max().max(self.cursor);
        self.counted_24h = count_after(&uses, now.minus(DAY));
        if feed.unreadable > self.unreadable {
            uses.push(Use { at: now, kind: UNREADABLE.to_owned(), user: None });
        }
        self.unreadable = feed.unreadable;
        self.remember(uses);
        self.since.get_or_insert(now);
        self.read_at = Some(now);
        self.tried_at = Some(now);
        self.read_error = None;
        before != (self.last_at, self.counted_24h)
    }

    /// Records that the feed could not be read; says whether that is another state than before.
    pub fn read_failed(&mut self, reason: &str, now: Timestamp) -> bool {
        self.tried_at = Some(now);
        let changed = self.read_error.as_deref() != Some(reason);
        self.read_error = Some(reason.to_owned());
        changed
    }

    /// Records a use that did not come from the feed, such as a lab started through us for a person.
    pub fn note(&mut self, kind: &str, user: Option<&str>, at: Timestamp) -> bool {
        let before = self.last_at;
        let user = user.map(str::to_owned);
        self.remember(vec![Use { at, kind: kind.to_owned(), user }]);
        before != self.last_at
    }

    /// Keeps the clock that it had while the measurement stays within what a request takes.
    fn follow_clock(&mut self, controller_now: Option<Timestamp>, now: Timestamp) {
        let Some(theirs) = controller_now else { return };
        let ahead = theirs.as_millis().saturating_sub(now.as_millis());
        if u128::from(ahead.abs_diff(self.clock_ahead_ms)) > CLOCK_NOISE.as_millis() {
            self.clock_ahead_ms = ahead;
            // Their times are of the old clock and would stand beside their own doubles.
            self.recent.clear();
        }
    }

    /// Returns when it happened by our clock.
    ///
    /// A record from the future counts as now when it is met first and not again: else one wrong
    /// date would keep the worker busy for ever. One that is met first but claims to be older than
    /// the last reading shows a wrong clock: it cannot have happened before that reading.
    fn place(&self, record: &TelemetryRecord, now: Timestamp) -> Option<Use> {
        let millis = record.at.as_millis().saturating_sub(self.clock_ahead_ms);
        let claimed = Timestamp::from_millis(millis);
        let met_before = self.cursor.is_some_and(|cursor| record.at <= cursor);
        if met_before && claimed > now {
            return None;
        }
        let at = match self.read_at {
            Some(read_at) if !met_before && claimed.plus(CLOCK_NOISE) < read_at => read_at,
            Some(_) | None => claimed,
        };
        Some(Use { at: at.min(now), kind: record.category.clone(), user: record.user.clone() })
    }

    fn remember(&mut self, uses: Vec<Use>) {
        self.recent.extend(uses);
        self.recent.sort_by_key(|a| Reverse(a.at));
        let mut kept: Vec<Use> = Vec::with_capacity(RECENT);
        for seen in self.recent.drain(..) {
            if kept.len() < RECENT && !kept.contains(&seen) {
                kept.push(seen);
            }
        }
        self.recent = kept;
        if let Some(newest) = self.recent.first()
            && self.last_at.is_none_or(|last| newest.at > last)
        {
            self.last_at = Some(newest.at);
            self.last_kind = Some(newest.kind.clone());
            self.last_user.clone_from(&newest.user);
        }
    }
}

/// Says whether a record is use by a person. A record without a user counts: it may have been one.
fn counts(record: &TelemetryRecord, feed: &TelemetryFeed, settings: &IdleSettings) -> bool {
    let ours = record.user.as_ref().is_some_and(|user| {
        feed.own_user.as_ref() == Some(user) || settings.service_users.contains(user)
    });
    settings.categories.contains(&record.category) && !ours
}

fn count_after(uses: &[Use], start: Timestamp) -> u32 {
    u32::try_from(uses.iter().filter(|seen| seen.at > start).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
