//! Context attributes, whichever way they came: names, types, and the rules of each.

use std::collections::BTreeMap;

use ccm_domain::{FieldFault, Timestamp};

use super::{Foreign, MOST_FAULTS, Unreadable};

/// Attributes as text, and what is wrong with them so far.
pub(super) struct Attributes {
    /// What stands before a name to say where it is: `header/ce-`, `/`, `/3/`.
    place: String,
    known: BTreeMap<String, String>,
    faults: Vec<FieldFault>,
}

impl Attributes {
    pub(super) fn new(place: impl Into<String>) -> Self {
        Self { place: place.into(), known: BTreeMap::new(), faults: Vec::new() }
    }

    /// Notes that an attribute is wrong.
    pub(super) fn blame(&mut self, name: &str, detail: impl Into<String>) {
        let name = name.replace('~', "~0").replace('/', "~1");
        self.faults.push(FieldFault::new(format!("{}{name}", self.place), detail));
    }

    /// Takes an attribute.
    pub(super) fn take(&mut self, name: &str, value: String) {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.is_empty() || !name.bytes().all(fits) {
            self.blame(name, "must be named with lower-case letters and digits");
        } else if value.chars().any(char::is_control) {
            self.blame(name, "must have no control characters");
        } else if self.known.insert(name.to_owned(), value).is_some() {
            self.blame(name, "must be sent once");
        }
    }

    /// Returns a value that was taken.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.known.get(name).map(String::as_str)
    }

    /// Holds them against the rules of the specification, and makes the event.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub(super) fn finish(
        mut self,
        data: Option<serde_json::Value>,
        place: String,
    ) -> Result<Foreign, Unreadable> {
        match self.get("specversion") {
            Some("1.0") => {}
            Some(_) => self.blame("specversion", "must be 1.0"),
            None => self.blame_missing("specversion"),
        }
        for required in ["id", "source", "type"] {
            match self.get(required) {
                Some("") => self.blame(required, "must not be empty"),
                Some(_) => {}
                None => self.blame_missing(required),
            }
        }
        for optional in ["subject", "dataschema"] {
            if self.get(optional) == Some("") {
                self.blame(optional, "must not be empty; leave it out");
            }
        }
        if self.get("time").is_some_and(|time| time.parse::<Timestamp>().is_err()) {
            self.blame("time", "must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
        }
        if self.get("datacontenttype").is_some_and(|media| !media.contains('/')) {
            self.blame("datacontenttype", "must be a media type such as application/json");
        }
        if !self.faults.is_empty() {
            self.faults.truncate(MOST_FAULTS);
            return Err(Unreadable::Invalid(self.faults));
        }
        let mut text = |name: &str| self.known.remove(name).unwrap_or_default();
        Ok(Foreign { id: text("id"), source: text("source"), kind: text("type"), data, place })
    }

    /// One that is there and wrong is blamed for that already.
    fn blame_missing(&mut self, name: &str) {
        let pointer = format!("{}{name}", self.place);
        if !self.faults.iter().any(|fault| fault.pointer == pointer) {
            self.blame(name, "is missing");
        }
    }
}
