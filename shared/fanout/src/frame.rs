//! Bytes of a `text/event-stream`, made once.
//!
//! **Invariant:** every frame is a whole block that ends with an empty line, and nothing in a payload can
//! begin another field or block. Source: HTML standard, 9.2 Server-sent events.

use bytes::{BufMut, Bytes, BytesMut};
use ccm_events::Event;
use serde::Serialize;

/// Frames an event; a logged one carries its number as `id:`.
#[must_use]
pub fn event(event: &Event) -> Bytes {
    block(event.seq, event.kind.name(), &event.json)
}

/// Frames a control event such as `snapshot`; `id` moves the reader's cursor.
#[must_use]
pub fn control(id: Option<u64>, name: &'static str, payload: &impl Serialize) -> Bytes {
    // Control payloads are plain structs of strings, numbers and JSON values.
    let json = serde_json::to_vec(payload).unwrap_or_else(|_| b"null".to_vec());
    block(id, name, &json)
}

/// Returns a block without an event that only moves the reader's cursor.
#[must_use]
pub fn cursor(id: u64) -> Bytes {
    Bytes::from(format!("id: {id}\n\n"))
}

/// Returns a block without an event that tells the reader how long to wait before it connects again.
#[must_use]
pub fn retry(millis: u64) -> Bytes {
    Bytes::from(format!("retry: {millis}\n\n"))
}

/// Returns a comment, which readers ignore; it makes buffering proxies show themselves early.
#[must_use]
pub fn comment() -> Bytes {
    Bytes::from_static(b":\n\n")
}

fn block(id: Option<u64>, name: &'static str, data: &[u8]) -> Bytes {
    const FIELDS: usize = 64;
    let mut out = BytesMut::with_capacity(data.len() + FIELDS);
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.put_u8(b'\n');
    // Our own JSON has no line breaks, but readers must not depend on who wrote it. Between tokens of
    // JSON a break may be any of the three, so the reader's `\n` means the same.
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if line.is_empty() && !data.is_empty() {
            continue;
        }
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.put_u8(b'\n');
    }
    out.put_u8(b'\n');
    out.freeze()
}

#[cfg(test)]
mod tests {
    use ccm_events::{Kind, Subject};
    use proptest::prelude::*;

    use super::*;

    fn text(frame: &Bytes) -> &str {
        std::str::from_utf8(frame).unwrap()
    }

    fn settings_changed(seq: Option<u64>, json: impl Into<Bytes>) -> Event {
        let subject = Subject::Fleet("settings".to_owned());
        Event { seq, kind: Kind::SettingsChanged, subject, json: json.into() }
    }

    #[test]
    fn frames_are_what_the_standard_says() {
        let logged = event(&settings_changed(Some(4711), r#"{"rev":1}"#));
        assert_eq!(text(&logged), "id: 4711\nevent: settings.changed\ndata: {\"rev\":1}\n\n");
        let passing = event(&settings_changed(None, "{}"));
        assert_eq!(text(&passing), "event: settings.changed\ndata: {}\n\n");
        assert_eq!(text(&cursor(7)), "id: 7\n\n");
        assert_eq!(text(&retry(2500)), "retry: 2500\n\n");
        let bye = control(None, "bye", &serde_json::json!({"reason": "drain"}));
        assert_eq!(text(&bye), "event: bye\ndata: {\"reason\":\"drain\"}\n\n");
    }

    proptest! {
        #[test]
        fn no_payload_can_begin_another_field(lines in "[a-z{}\":, \r\n]{0,80}") {
            let frame = event(&settings_changed(Some(1), lines.clone()));

            let text = text(&frame);
            let body = text.strip_prefix("id: 1\nevent: settings.changed\n").unwrap();
            let body = body.strip_suffix('\n').unwrap();
            prop_assert!(!text.trim_end_matches('\n').contains("\n\n"));
            prop_assert!(!text.contains('\r'));
            let mut read = String::new();
            for line in body.lines() {
                read.push_str(line.strip_prefix("data: ").unwrap());
            }
            prop_assert_eq!(read, lines.replace(['\r', '\n'], ""));
        }
    }
}
