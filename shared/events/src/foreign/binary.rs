//! Binary mode: attributes in headers, the body is the payload.

use super::attributes::Attributes;
use super::media::Media;
use super::{Foreign, Message, Unreadable, must_fit};

/// What the name of an attribute's header begins with.
pub(super) const PREFIX: &str = "ce-";

/// Reads the event.
pub(super) fn read(message: &Message<'_>, media: Media) -> Result<Foreign, Unreadable> {
    let mut attributes = Attributes::new(format!("header/{PREFIX}"));
    let mut size = message.body.len();
    for (name, value) in message.headers {
        let Some(name) = name.strip_prefix(PREFIX) else { continue };
        size += name.len() + value.len();
        if name == "datacontenttype" {
            attributes.blame(name, "must not be sent; Content-Type says it");
            continue;
        }
        match decode(value) {
            Ok(text) => attributes.take(name, text),
            Err(detail) => attributes.blame(name, detail),
        }
    }
    must_fit(size)?;
    let data = match media {
        Media::None => serde_json::from_slice(message.body).ok(),
        Media::Json if !message.body.is_empty() => match serde_json::from_slice(message.body) {
            Ok(data) => Some(data),
            Err(err) => {
                let detail = format!("the body is no JSON: {err}");
                return Err(ccm_domain::FieldFault::new("/", detail).into());
            }
        },
        Media::Json | Media::Other | Media::Single | Media::Batch => None,
    };
    attributes.finish(data, String::new())
}

/// Reads the value of an attribute: quotes are taken off, then one round of percent-decoding is done
/// (HTTP binding, 3.1.3.2).
pub(super) fn decode(value: &[u8]) -> Result<String, &'static str> {
    let unquoted = unquote(value.trim_ascii())?;
    let mut bytes = Vec::with_capacity(unquoted.len());
    let mut rest = unquoted.as_slice();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.split_at_checked(2).and_then(|(two, behind)| {
            rest = behind;
            Some((hex(two[0])? << 4) | hex(two[1])?)
        });
        bytes.push(digits.ok_or("must have two hexadecimal digits behind each %")?);
    }
    String::from_utf8(bytes).map_err(|_| "must be UTF-8 once it is percent-decoded")
}

/// Takes the quotes of a quoted string off (RFC 9110, 5.6.4); older senders put them.
fn unquote(value: &[u8]) -> Result<Vec<u8>, &'static str> {
    const OPEN: &str = "must end with the quote that it begins with";
    let Some(inner) = value.strip_prefix(b"\"") else { return Ok(value.to_vec()) };
    let inner = inner.strip_suffix(b"\"").ok_or(OPEN)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'\\' => bytes.push(*rest.next().ok_or(OPEN)?),
            b'"' => return Err(OPEN),
            other => bytes.push(other),
        }
    }
    Ok(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
