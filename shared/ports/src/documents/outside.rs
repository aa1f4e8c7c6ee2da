//! Documents about events to and from outside.

use ccm_domain::{DeadLetter, Sink, SinkName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Document, sortable};

impl Document for Sink {
    const COLLECTION: &'static str = "sinks";
    const NOUN: &'static str = "sink";

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("state", self.state.name().to_owned()), ("state_since", sortable(self.state_since))]
    }
}

/// Returns the key of a dead letter's document; keys of one sink sort as its events do.
#[must_use]
pub fn dead_letter_key(sink: &SinkName, seq: u64) -> String {
    format!("{sink}/{seq:020}")
}

impl Document for DeadLetter {
    const COLLECTION: &'static str = "dead_letters";
    const NOUN: &'static str = "dead letter";

    fn key(&self) -> String {
        dead_letter_key(&self.sink, self.seq)
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("sink", self.sink.to_string()),
            ("state", self.state.name().to_owned()),
            ("died", sortable(self.died_at)),
        ]
    }
}

/// An event from outside that was dealt with, so that it is known when it comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Hash of `source` and `id`, which together name an event (CloudEvents, `id`).
    pub key: String,
    /// Grows with every write.
    pub rev: u64,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `id`.
    pub id: String,
    /// CloudEvents `type`.
    pub kind: String,
    /// What came of it, as one word.
    pub outcome: String,
    /// When it came.
    pub at: Timestamp,
}

impl Document for Receipt {
    const COLLECTION: &'static str = "receipts";
    const NOUN: &'static str = "receipt";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("at", sortable(self.at))]
    }
}
