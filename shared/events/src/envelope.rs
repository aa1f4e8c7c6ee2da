//! CloudEvents 1.0 in structured JSON, made once and then passed on as bytes.
//!
//! A [`Change`] is committed together with the state that it tells of. The relay gives it its place in the
//! log, which makes it an [`Event`]. Source: CloudEvents specification 1.0.2, JSON event format.

use bytes::Bytes;
use ccm_domain::{LabId, Timestamp, WorkerId};
use serde::{Deserialize, Serialize};

use crate::{Delivery, JsonText, Kind};

/// The CloudEvents `source` of everything this product tells.
pub const SOURCE: &str = "/ccm";

/// What an event is about; also what the filters of a stream look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A worker.
    Worker(WorkerId),
    /// A lab of a worker.
    Lab(WorkerId, LabId),
    /// Something of the whole fleet, such as `settings` or `schedule/observe_instances`.
    Fleet(String),
}

impl Subject {
    /// Returns the worker that the event is about, if it is about one.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::Worker(id) | Self::Lab(id, _) => Some(*id),
            Self::Fleet(_) => None,
        }
    }

    /// Returns the lab that the event is about, if it is about one.
    #[must_use]
    pub const fn lab(&self) -> Option<&LabId> {
        match self {
            Self::Lab(_, lab) => Some(lab),
            Self::Worker(_) | Self::Fleet(_) => None,
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Worker(id) => write!(f, "worker/{id}"),
            Self::Lab(worker, lab) => write!(f, "worker/{worker}/lab/{lab}"),
            Self::Fleet(name) => f.write_str(name),
        }
    }
}

impl From<&str> for Subject {
    fn from(text: &str) -> Self {
        let mut parts = text.splitn(4, '/');
        let parsed = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("worker"), Some(id), None, None) => id.parse().ok().map(Self::Worker),
            (Some("worker"), Some(id), Some("lab"), Some(lab)) => {
                id.parse().ok().zip(lab.parse().ok()).map(|(id, lab)| Self::Lab(id, lab))
            }
            _ => None,
        };
        parsed.unwrap_or_else(|| Self::Fleet(text.to_owned()))
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from(&*text))
    }
}

/// A fact that is committed but not yet told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Unique for ever: `<collection>/<key>/<rev>.<n>`, so that telling twice can be noticed.
    pub id: String,
    /// Its type.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// When it became true.
    pub time: Timestamp,
    /// The payload; only ever grows.
    pub data: JsonText,
    /// W3C trace context of the request or run that caused it.
    #[serde(default)]
    pub traceparent: Option<String>,
}

/// An event as it goes over every wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log; none for an ephemeral one.
    pub seq: Option<u64>,
    /// Its type.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// The whole CloudEvent as JSON without line breaks.
    pub json: Bytes,
}

/// The bytes are no event of this product.
#[derive(Debug, thiserror::Error)]
#[error("not a CloudEvent of this product")]
pub struct InvalidEvent(#[source] serde_json::Error);

#[derive(Serialize)]
struct Wire<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'static str,
    r#type: &'static str,
    subject: &'a Subject,
    time: Timestamp,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: &'a JsonText,
}

#[derive(Deserialize)]
struct Head {
    r#type: Kind,
    subject: Subject,
    #[serde(default)]
    sequence: Option<String>,
}

#[derive(Deserialize)]
struct Cause<'a> {
    #[serde(borrow, default)]
    traceparent: Option<&'a str>,
}

impl Event {
    /// Makes the event of a change that got its place in the log.
    #[must_use]
    pub fn logged(seq: u64, change: &Change) -> Self {
        Self::encode(Some(seq), change)
    }

    /// Makes an event that is only worth telling now.
    #[must_use]
    pub fn ephemeral(change: &Change) -> Self {
        debug_assert_eq!(change.kind.delivery(), Delivery::Ephemeral);
        Self::encode(None, change)
    }

    /// Reads an event back from its JSON.
    ///
    /// # Errors
    /// [`InvalidEvent`] when type or subject are missing or unknown.
    pub fn parse(json: Bytes) -> Result<Self, InvalidEvent> {
        let head: Head = serde_json::from_slice(&json).map_err(InvalidEvent)?;
        let seq = head.sequence.and_then(|text| text.parse().ok());
        Ok(Self { seq, kind: head.r#type, subject: head.subject, json })
    }

    /// Returns the W3C trace context of what caused it. Reads the JSON, so it is for those who trace.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        serde_json::from_slice::<Cause<'_>>(&self.json).ok()?.traceparent
    }

    fn encode(seq: Option<u64>, change: &Change) -> Self {
        let wire = Wire {
            specversion: "1.0",
            id: &change.id,
            source: SOURCE,
            r#type: change.kind.wire_type(),
            subject: &change.subject,
            time: change.time,
            datacontenttype: "application/json",
            sequence: seq.map(|seq| seq.to_string()),
            traceparent: change.traceparent.as_deref(),
            data: &change.data,
        };
        #[expect(clippy::expect_used, reason = "strings, numbers and JSON text always encode")]
        let json = serde_json::to_vec(&wire).expect("an envelope encodes");
        Self { seq, kind: change.kind, subject: change.subject.clone(), json: json.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Change {
        Change {
            id: "workers/w/7.0".to_owned(),
            kind: Kind::WorkerStateChanged,
            subject: Subject::Worker(WorkerId::new(uuid_of(7))),
            time: Timestamp::from_millis(1_700_000_000_000),
            data: serde_json::json!({"rev": 7}).into(),
            traceparent: None,
        }
    }

    fn uuid_of(n: u64) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | n)
    }

    #[test]
    fn an_event_is_a_cloud_event_and_reads_back() {
        let event = Event::logged(4711, &change());

        insta::assert_snapshot!(String::from_utf8_lossy(&event.json), @r#"{"specversion":"1.0","id":"workers/w/7.0","source":"/ccm","type":"io.ccm.worker.state_changed.v1","subject":"worker/01900000-0000-7000-8000-000000000007","time":"2023-11-14T22:13:20Z","datacontenttype":"application/json","sequence":"4711","data":{"rev":7}}"#);
        assert_eq!(Event::parse(event.json.clone()).unwrap(), event);
    }

    #[test]
    fn an_event_says_what_caused_it_and_so_does_its_json() {
        let cause = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let caused = Change { traceparent: Some(cause.to_owned()), ..change() };

        assert_eq!(Event::logged(1, &caused).traceparent(), Some(cause));
        assert_eq!(Event::logged(1, &change()).traceparent(), None);
    }

    #[test]
    fn subjects_read_back() {
        let worker = WorkerId::new(uuid_of(1));
        for subject in [
            Subject::Worker(worker),
            Subject::Lab(worker, "a-b".parse().unwrap()),
            Subject::Fleet("settings".to_owned()),
            Subject::Fleet("worker/not-a-uuid".to_owned()),
        ] {
            assert_eq!(Subject::from(subject.to_string().as_str()), subject);
        }
    }
}
