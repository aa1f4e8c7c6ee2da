//! The law of the ports in plain collections.

use std::collections::BTreeMap;

use super::*;

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    NotFound,
    Stale,
    Conflict,
    Taken,
}

impl Answer {
    pub(super) fn of(outcome: Result<(), StoreError>) -> Self {
        match outcome {
            Ok(()) => Self::Done,
            Err(StoreError::NotFound(_)) => Self::NotFound,
            Err(StoreError::Stale) => Self::Stale,
            Err(StoreError::Conflict) => Self::Conflict,
            Err(StoreError::Taken(_)) => Self::Taken,
            Err(err @ (StoreError::Corrupt(_) | StoreError::Unavailable(_))) => panic!("{err:?}"),
        }
    }
}

type Change = ccm_events::Change;

/// Everything, in the open.
#[derive(Default)]
pub(super) struct Law {
    docs: BTreeMap<String, (Parcel, Epoch)>,
    /// Key and change, in the order of the commits.
    waiting: Vec<(String, Change)>,
    log: BTreeMap<u64, Change>,
    head: u64,
}

impl Law {
    pub(super) fn rev(&self, key: &str) -> u64 {
        self.docs.get(key).map_or(0, |(doc, _)| doc.rev)
    }

    pub(super) fn insert(&mut self, doc: Parcel, changes: &[Change], by: Writer) -> Answer {
        if self.docs.contains_key(&doc.id) || self.marks_are_taken(&doc) {
            return Answer::Taken;
        }
        let guard = match by {
            Writer::Intent => Epoch(0),
            Writer::Leader(epoch) => epoch,
        };
        self.write(doc, guard, changes)
    }

    pub(super) fn put(&mut self, doc: Parcel, changes: &[Change], by: Writer) -> Answer {
        if let Some(refusal) = self.refusal(&doc.id, doc.rev - 1, by) {
            return refusal;
        }
        if self.marks_are_taken(&doc) {
            return Answer::Taken;
        }
        let guard = match by {
            Writer::Intent => self.docs[&doc.id].1,
            Writer::Leader(epoch) => epoch,
        };
        self.write(doc, guard, changes)
    }

    pub(super) fn remove(&mut self, key: &str, rev: u64, by: Writer) -> Answer {
        if let Some(refusal) = self.refusal(key, rev, by) {
            return refusal;
        }
        if self.waiting.iter().any(|(of, _)| of == key) {
            return Answer::Conflict;
        }
        self.docs.remove(key);
        Answer::Done
    }

    pub(super) fn seal(&mut self, epoch: Epoch) -> u64 {
        let below = self.docs.values_mut().filter(|(_, guard)| *guard < epoch);
        below.map(|(_, guard)| *guard = epoch).count() as u64
    }

    pub(super) fn pending(&self, limit: usize) -> Vec<Pending> {
        let mut found: Vec<Pending> = Vec::new();
        for (key, change) in self.waiting.iter().take(limit) {
            match found.iter_mut().find(|pending| pending.key == *key) {
                Some(pending) => pending.changes.push(change.clone()),
                None => found.push(Pending {
                    collection: Parcel::COLLECTION.to_owned(),
                    key: key.clone(),
                    changes: vec![change.clone()],
                }),
            }
        }
        found
    }

    pub(super) fn told(&mut self, told: &Pending) {
        self.waiting.retain(|(key, change)| {
            *key != told.key || told.changes.iter().all(|other| other.id != change.id)
        });
    }

    pub(super) fn backlog(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn append(&mut self, after: u64, changes: &[Change]) -> Option<Vec<(u64, Change)>> {
        if after != self.head {
            return None;
        }
        let mut logged = Vec::new();
        for change in changes {
            let known = self.log.iter().find(|(_, other)| other.id == change.id);
            let seq = known.map_or(self.head + 1, |(seq, _)| *seq);
            self.head = self.head.max(seq);
            self.log.entry(seq).or_insert_with(|| change.clone());
            logged.push((seq, change.clone()));
        }
        Some(logged)
    }

    pub(super) fn trim(&mut self, keep_from: u64) -> u64 {
        let before = self.log.len();
        self.log.retain(|seq, _| *seq >= keep_from);
        (before - self.log.len()) as u64
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn log(&self) -> Vec<(u64, Change)> {
        self.log.iter().map(|(seq, change)| (*seq, change.clone())).collect()
    }

    /// All pages of a list.
    pub(super) fn list(&self, query: &Query) -> Vec<Parcel> {
        let all = self.docs.values().map(|(doc, _)| doc.clone());
        let matching = all.filter(|doc| query.filters.iter().all(|filter| passes(doc, filter)));
        let mut sorted: Vec<(Option<String>, Parcel)> = matching
            .filter_map(|doc| match query.sort {
                None => Some((None, doc)),
                Some(_) => doc.label.clone().map(|label| (Some(label), doc)),
            })
            .collect();
        sorted.sort_by(|(a, x), (b, y)| (a, &x.id).cmp(&(b, &y.id)));
        if query.descending {
            sorted.reverse();
        }
        sorted.into_iter().map(|(_, doc)| doc).collect()
    }

    fn write(&mut self, doc: Parcel, guard: Epoch, changes: &[Change]) -> Answer {
        let key = doc.id.clone();
        self.waiting.extend(changes.iter().map(|change| (key.clone(), change.clone())));
        self.docs.insert(key, (doc, guard));
        Answer::Done
    }

    fn refusal(&self, key: &str, rev: u64, by: Writer) -> Option<Answer> {
        match (self.docs.get(key), by) {
            (None, _) => Some(Answer::NotFound),
            (Some((_, guard)), Writer::Leader(epoch)) if epoch < *guard => Some(Answer::Stale),
            (Some((doc, _)), _) => (doc.rev != rev).then_some(Answer::Conflict),
        }
    }

    fn marks_are_taken(&self, doc: &Parcel) -> bool {
        let others = self.docs.values().filter(|(other, _)| other.id != doc.id);
        others.flat_map(|(other, _)| &other.marks).any(|mark| doc.marks.contains(mark))
    }
}

fn passes(doc: &Parcel, filter: &Filter) -> bool {
    let any = |field: &str, holds: &dyn Fn(&String) -> bool| {
        doc.fields().iter().any(|(name, value)| *name == field && holds(value))
    };
    match filter {
        Filter::In(field, values) => any(field, &|value| values.contains(value)),
        Filter::NotIn(field, values) => !any(field, &|value| values.contains(value)),
        Filter::Below(field, bound) => any(field, &|value| value < bound),
        Filter::AtLeast(field, bound) => any(field, &|value| value >= bound),
        Filter::Contains(field, part) => {
            let part = part.to_ascii_lowercase();
            any(field, &|value| value.to_ascii_lowercase().contains(&part))
        }
    }
}
