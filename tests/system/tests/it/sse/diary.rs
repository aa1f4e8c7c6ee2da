//! What one browser saw, in order.

use std::collections::BTreeMap;

use serde_json::Value;

/// One thing that a browser saw.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// A connection to a process was answered; `after` is the id that it was asked to go on from.
    Opened { pod: usize, after: Option<u64> },
    /// A durable event; the hash is that of its bytes.
    Told { seq: u64, hash: u64 },
    /// An id without an event.
    Cursor(u64),
    /// A part of a snapshot; the last part has the cursor as its id. Workers by id with their `rev`.
    Snapshot { id: Option<u64>, cursor: u64, part: u64, of: u64, revs: BTreeMap<String, u64> },
    /// The server said that the browser must read again.
    Resync(String),
    /// The server said goodbye.
    Bye(String),
    /// An ephemeral event.
    Moment(Value),
    /// The connection is over.
    Closed(Why),
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody listens there.
    Unreachable,
    /// Another status than 200, for which a browser gives up.
    Refused(u16),
    /// The server ended the stream.
    End,
    /// The stream broke off.
    Broken,
    /// Nothing came for too long.
    Silence,
    /// The browser left.
    OwnWill,
}

/// A browser's diary.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    pub(crate) nth: usize,
    /// Its `types=`.
    pub(crate) filter: String,
    pub(crate) notes: Vec<Note>,
    last_id: Option<u64>,
}

impl Diary {
    pub(crate) const fn new(nth: usize, filter: String) -> Self {
        Self { nth, filter, notes: Vec::new(), last_id: None }
    }

    /// Returns the last id that it was given.
    pub(crate) const fn cursor(&self) -> Option<u64> {
        self.last_id
    }

    pub(crate) fn write(&mut self, note: Note) {
        let id = match &note {
            Note::Told { seq, .. } => Some(*seq),
            Note::Cursor(id) => Some(*id),
            Note::Snapshot { id, .. } => *id,
            Note::Opened { .. }
            | Note::Resync(_)
            | Note::Bye(_)
            | Note::Moment(_)
            | Note::Closed(_) => None,
        };
        self.last_id = id.or(self.last_id);
        // A stream says where it is with every sign of life; of a row of them the last says it all, unless
        // one went back.
        if let (Some(Note::Cursor(before)), Note::Cursor(now)) = (self.notes.last_mut(), &note)
            && *before <= *now
        {
            *before = *now;
            return;
        }
        self.notes.push(note);
    }

    /// Returns how many durable events it was told.
    pub(crate) fn told(&self) -> usize {
        self.notes.iter().filter(|note| matches!(note, Note::Told { .. })).count()
    }

    /// Returns the reasons with which it was sent back to a snapshot.
    pub(crate) fn resyncs(&self) -> Vec<&str> {
        self.notes
            .iter()
            .filter_map(
                |note| if let Note::Resync(reason) = note { Some(reason.as_str()) } else { None },
            )
            .collect()
    }

    /// Returns how often a connection of its ended, and why.
    pub(crate) fn closed(&self) -> Vec<Why> {
        self.notes
            .iter()
            .filter_map(|note| if let Note::Closed(why) = note { Some(*why) } else { None })
            .collect()
    }
}

impl Note {
    /// Reads a part of a snapshot.
    pub(super) fn snapshot(id: Option<u64>, told: &Value) -> Self {
        let number = |name: &str| told[name].as_u64().unwrap();
        let workers = told["workers"].as_array().unwrap();
        let rev = |worker: &Value| {
            (worker["id"].as_str().unwrap().to_owned(), worker["rev"].as_u64().unwrap())
        };
        Self::Snapshot {
            id,
            cursor: number("cursor"),
            part: number("part"),
            of: number("of"),
            revs: workers.iter().map(rev).collect(),
        }
    }
}
