//! The newest ephemeral event of each type and subject.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use ccm_events::{Event, Kind, Subject};

use crate::frame;

#[derive(Debug)]
pub(crate) struct Ephemeral {
    pub(crate) kind: Kind,
    pub(crate) subject: Subject,
    pub(crate) frame: Bytes,
}

/// Keeps one frame per type and subject under a version that grows, so a reader sees what is newer than
/// what it saw and never the same thing twice.
#[derive(Debug, Default)]
pub(crate) struct Ephemerals {
    by_version: BTreeMap<u64, Ephemeral>,
    versions: HashMap<(Kind, Subject), u64>,
    version: u64,
    most: usize,
}

impl Ephemerals {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn put(&mut self, event: &Event) {
        self.version += 1;
        let key = (event.kind, event.subject.clone());
        if let Some(before) = self.versions.insert(key, self.version) {
            self.by_version.remove(&before);
        }
        let (kind, subject) = (event.kind, event.subject.clone());
        let frame = frame::event(event);
        self.by_version.insert(self.version, Ephemeral { kind, subject, frame });
        if self.by_version.len() > self.most
            && let Some((_, oldest)) = self.by_version.pop_first()
        {
            self.versions.remove(&(oldest.kind, oldest.subject));
        }
    }

    /// Returns what is newer than `version`, oldest first.
    pub(crate) fn after(&self, version: u64) -> impl Iterator<Item = (u64, &Ephemeral)> {
        self.by_version.range(version + 1..).map(|(version, one)| (*version, one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(subject: &str, json: &'static str) -> Event {
        let subject = Subject::Fleet(subject.to_owned());
        Event { seq: None, kind: Kind::SystemHealth, subject, json: json.into() }
    }

    fn seen(table: &Ephemerals, version: u64) -> Vec<String> {
        let text = |(_, one): (u64, &Ephemeral)| String::from_utf8_lossy(&one.frame).into_owned();
        let last = |frame: String| frame.trim_end().rsplit(' ').next().unwrap().to_owned();
        table.after(version).map(text).map(last).collect()
    }

    #[test]
    fn only_the_newest_of_each_subject_is_kept() {
        let mut table = Ephemerals::new(10);
        table.put(&health("a", "1"));
        table.put(&health("b", "2"));
        let version = table.version();
        table.put(&health("a", "3"));

        assert_eq!(seen(&table, 0), ["2", "3"]);
        assert_eq!(seen(&table, version), ["3"]);
        assert_eq!(seen(&table, table.version()), [""; 0]);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut table = Ephemerals::new(2);
        for (subject, json) in [("a", "1"), ("b", "2"), ("c", "3"), ("a", "4")] {
            table.put(&health(subject, json));
        }
        assert_eq!(seen(&table, 0), ["3", "4"]);
        assert_eq!(table.versions.len(), 2);
    }
}
