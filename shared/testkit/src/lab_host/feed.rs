//! The telemetry feed: everything that happened, of which little is a person's doing.

use std::collections::VecDeque;

use ccm_domain::Timestamp;
use uuid::Uuid;

/// More is forgotten; a real controller keeps days.
const LONGEST: usize = 512;

/// How a controller writes the times of its feed; all three occur.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeForm {
    /// `2026-01-31T12:00:00Z`
    Zulu,
    /// `2026-01-31T12:00:00+00:00`
    #[default]
    Offset,
    /// `2026-01-31T12:00:00`
    Bare,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRecord {
    /// When, in the controller's clock.
    pub at: Timestamp,
    /// Category, such as `start_lab`.
    pub category: &'static str,
    /// The account that did it; `None` when the controller did it itself.
    pub user: Option<Uuid>,
    /// The lab or node it was done to.
    pub subject: Option<Uuid>,
}

/// The feed, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Feed(VecDeque<FeedRecord>);

impl Feed {
    /// Adds a record.
    pub fn push(&mut self, record: FeedRecord) {
        if self.0.len() == LONGEST {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    /// Returns all records that are kept.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &FeedRecord> {
        self.0.iter()
    }
}

impl TimeForm {
    /// Writes a moment in this form.
    #[must_use]
    pub fn write(self, at: Timestamp) -> String {
        let mut text = at.to_string();
        if text.ends_with('Z') {
            text.pop();
        }
        match self {
            Self::Zulu => text + "Z",
            Self::Offset => text + "+00:00",
            Self::Bare => text,
        }
    }
}
