//! The event log: without holes, each fact once, each document's facts in their order, terms that grow.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Findings;
use crate::rest::Rest;

/// The event log as REST shows it.
#[derive(Clone, Debug)]
pub(crate) struct EventLog {
    pub(crate) entries: Vec<Logged>,
}

/// One event of the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) seq: u64,
    pub(crate) id: String,
    /// Its type as filters name it.
    pub(crate) name: String,
    pub(crate) subject: String,
    pub(crate) data: Value,
    /// Hash of its bytes, as a browser makes it of what it was told.
    pub(crate) hash: u64,
    /// The bytes.
    pub(crate) json: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    r#type: String,
    subject: String,
    sequence: String,
    data: Value,
}

impl EventLog {
    /// Reads the whole log behind `after`.
    pub(crate) async fn read(rest: &Rest, mut after: u64) -> Self {
        let mut entries: Vec<Logged> = Vec::new();
        loop {
            let text = rest.text(&format!("/events/log?after={after}&limit=1000")).await;
            let page: Page = serde_json::from_str(&text).unwrap();
            entries.extend(page.items.iter().map(|item| Logged::read(item.get())));
            match entries.last() {
                Some(last) if !page.items.is_empty() => after = last.seq,
                _ => return Self { entries },
            }
        }
    }

    /// Returns the number of its last event.
    pub(crate) fn head(&self) -> u64 {
        self.entries.last().map_or(0, |last| last.seq)
    }

    /// Returns its events of one type.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Logged> {
        self.entries.iter().filter(move |entry| entry.name == name)
    }

    /// Returns the event with a number.
    pub(crate) fn at(&self, seq: u64) -> Option<&Logged> {
        let first = self.entries.first()?.seq;
        self.entries.get(usize::try_from(seq.checked_sub(first)?).ok()?)
    }

    /// Returns the epochs in which a role was led, in the order in which they were told.
    pub(crate) fn terms(&self, role: &str) -> Vec<(u64, String)> {
        self.named("system.leader_changed")
            .filter(|entry| entry.data["role"] == role)
            .map(|entry| {
                let holder = entry.data["holder"].as_str().unwrap().to_owned();
                (entry.data["epoch"].as_u64().unwrap(), holder)
            })
            .collect()
    }
}

impl Logged {
    pub(crate) fn read(json: &str) -> Self {
        let told: Envelope = serde_json::from_str(json).unwrap();
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        let name = told.r#type.strip_prefix("io.ccm.").unwrap();
        let name = name.rsplit_once(".v").unwrap().0.to_owned();
        Self {
            seq: told.sequence.parse().unwrap(),
            id: told.id,
            name,
            subject: told.subject,
            data: told.data,
            hash: hasher.finish(),
            json: json.to_owned(),
        }
    }

    /// Whether a browser that asked for `types=` hears it.
    pub(crate) fn passes(&self, types: &str) -> bool {
        types.is_empty()
            || types.split(',').any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => self.name.starts_with(start),
                None => self.name == wanted,
            })
    }
}

/// Checks the log by itself.
pub(crate) fn check_log(log: &EventLog, findings: &mut Findings) {
    for pair in log.entries.windows(2) {
        findings.check(pair[1].seq == pair[0].seq + 1, "hole in the log", || {
            format!("{} comes behind {}", pair[1].seq, pair[0].seq)
        });
    }
    let mut ids = HashSet::new();
    // Ids are `<collection>/<key>/<rev>.<n>`: what a document told is in the order in which it was written.
    let mut places: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for entry in &log.entries {
        findings.check(ids.insert(&entry.id), "fact told twice", || {
            format!("{} is in the log again at {}", entry.id, entry.seq)
        });
        let Some((document, place)) = entry.id.rsplit_once('/') else { continue };
        let Some(place) = place
            .split_once('.')
            .and_then(|(rev, nth)| Some((rev.parse::<u64>().ok()?, nth.parse::<u64>().ok()?)))
        else {
            continue;
        };
        if let Some(before) = places.insert(document, place) {
            findings.check(before < place, "facts in the wrong order", || {
                format!("{} at {} comes behind {before:?}", entry.id, entry.seq)
            });
        }
    }
    for role in ["scheduler", "relay"] {
        let terms = log.terms(role);
        for pair in terms.windows(2) {
            findings.check(pair[0].0 < pair[1].0, "terms in the wrong order", || {
                format!("{role}: {:?} comes behind {:?}", pair[1], pair[0])
            });
        }
        findings.saw(format!("{} terms of the {role}", terms.len()));
    }
    findings.saw(format!("{} events in the log", log.entries.len()));
}
