//! Media types, which are the same in upper and lower case (RFC 9110, 8.3.1).

use super::{Message, Unreadable};

/// What a body is, as its `Content-Type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// One event in structured mode.
    Single,
    /// Several events.
    Batch,
    /// JSON of whatever kind.
    Json,
    /// Anything else.
    Other,
    /// It does not say.
    None,
}

impl Media {
    /// Reads `Content-Type`.
    ///
    /// # Errors
    /// When it is a format of CloudEvents that is not JSON in UTF-8, or was sent twice.
    pub(super) fn of(message: &Message<'_>) -> Result<Self, Unreadable> {
        let Some(text) = message.one("content-type")? else { return Ok(Self::None) };
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let media = match essence.as_str() {
            "application/cloudevents+json" => Self::Single,
            "application/cloudevents-batch+json" => Self::Batch,
            // The longer name begins with the shorter one.
            other if other.starts_with("application/cloudevents") => {
                return Err(Unreadable::Media(format!("the format {other} is not known here")));
            }
            other if is_json(other) => Self::Json,
            _ => Self::Other,
        };
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        match charset {
            Some(set) if media != Self::Other && !is_utf8(set) => {
                Err(Unreadable::Media(format!("JSON is sent in UTF-8 here, not in {set}")))
            }
            Some(_) | None => Ok(media),
        }
    }
}

/// Whether a media type without its parameters is JSON.
pub(super) fn is_json(essence: &str) -> bool {
    let essence = essence.trim().to_ascii_lowercase();
    let is_one = essence == "application/json" || essence == "text/json";
    is_one || (essence.contains('/') && essence.ends_with("+json"))
}

fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
}
