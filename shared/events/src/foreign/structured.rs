//! Structured and batch mode: everything in one JSON object, or several of them in an array.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ccm_domain::FieldFault;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::{Foreign, MOST_EVENTS, MOST_FAULTS, Unreadable, media, must_fit};

/// Attributes of the specification, all of which are text.
const CORE: [&str; 8] =
    ["specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype"];

/// Reads one event.
pub(super) fn read_single(body: &[u8]) -> Result<Foreign, Unreadable> {
    must_fit(body.len())?;
    read_object(body, "")
}

/// Reads several events; none is taken when one is wrong.
pub(super) fn read_batch(body: &[u8]) -> Result<Vec<Foreign>, Unreadable> {
    let no_array = |err: serde_json::Error| FieldFault::new("/", format!("is no array: {err}"));
    let events: Vec<&RawValue> = serde_json::from_slice(body).map_err(no_array)?;
    if events.len() > MOST_EVENTS {
        let detail = format!("a batch may have at most {MOST_EVENTS} events");
        return Err(Unreadable::TooLarge(detail));
    }
    let (mut read, mut faults) = (Vec::with_capacity(events.len()), Vec::new());
    for (nth, event) in events.iter().enumerate() {
        must_fit(event.get().len())?;
        match read_object(event.get().as_bytes(), &format!("/{nth}")) {
            Ok(event) => read.push(event),
            Err(Unreadable::Invalid(more)) => faults.extend(more),
            Err(other) => return Err(other),
        }
    }
    if faults.is_empty() {
        return Ok(read);
    }
    faults.truncate(MOST_FAULTS);
    Err(Unreadable::Invalid(faults))
}

fn read_object(text: &[u8], place: &str) -> Result<Foreign, Unreadable> {
    let mut object: Map<String, Value> = serde_json::from_slice(text).map_err(|err| {
        let pointer = if place.is_empty() { "/" } else { place };
        FieldFault::new(pointer, format!("is no JSON object: {err}"))
    })?;
    let mut attributes = Attributes::new(format!("{place}/"));
    let (data, encoded) = (object.remove("data"), object.remove("data_base64"));
    for (name, value) in object {
        match value {
            // The same as if it was not there.
            Value::Null => {}
            Value::String(text) => attributes.take(&name, text),
            _ if CORE.contains(&name.as_str()) => attributes.blame(&name, "must be text"),
            Value::Bool(flag) => attributes.take(&name, flag.to_string()),
            Value::Number(number) if is_integer(&number) => {
                attributes.take(&name, number.to_string());
            }
            Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                attributes.blame(&name, "must be text, true, false or a whole number of 32 bits");
            }
        }
    }
    let data = match (data, encoded) {
        (Some(_), Some(_)) => {
            attributes.blame("data_base64", "must not be sent beside data");
            None
        }
        (data, None) => data,
        (None, Some(encoded)) => decoded(&encoded, &mut attributes),
    };
    attributes.finish(data, format!("{place}/data"))
}

/// Reads a payload that was sent as bytes.
fn decoded(encoded: &Value, attributes: &mut Attributes) -> Option<Value> {
    let Some(bytes) = encoded.as_str().and_then(|text| STANDARD.decode(text).ok()) else {
        attributes.blame("data_base64", "must be base64");
        return None;
    };
    let kind = attributes.get("datacontenttype").unwrap_or("application/json");
    let essence = kind.split(';').next().unwrap_or_default();
    media::is_json(essence).then(|| serde_json::from_slice(&bytes).ok()).flatten()
}

fn is_integer(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|value| i32::try_from(value).is_ok())
}
