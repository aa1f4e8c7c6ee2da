//! JSON that was written once and is passed on as it is.

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value as text on one line.
///
/// Between the commit and the stream nobody looks into a payload, so nobody reads it on the way: a relay moves
/// thousands a second. A copy costs a pointer.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct JsonText(#[serde(serialize_with = "whole")] Arc<RawValue>);

impl JsonText {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the value.
    #[must_use]
    pub fn value(&self) -> Value {
        #[expect(clippy::expect_used, reason = "it was JSON when this was made")]
        serde_json::from_str(self.as_str()).expect("JSON text is JSON")
    }
}

impl From<Value> for JsonText {
    fn from(value: Value) -> Self {
        #[expect(clippy::expect_used, reason = "a value has only text for names")]
        let raw = serde_json::value::to_raw_value(&value).expect("a JSON value encodes");
        Self(raw.into())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // An event ends where its line ends, on every wire that has lines.
        if raw.get().contains(['\n', '\r']) {
            return Err(D::Error::custom("a payload of more than one line"));
        }
        Ok(Self(raw.into()))
    }
}

fn whole<S: serde::Serializer>(raw: &Arc<RawValue>, serializer: S) -> Result<S::Ok, S::Error> {
    raw.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_goes_through_as_it_is() {
        let text = r#"{"b":1.50,"a":"ünï\n"}"#;
        let read: JsonText = serde_json::from_str(text).unwrap();

        assert_eq!(read.as_str(), text);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.value(), json!({ "a": "ünï\n", "b": 1.5 }));
    }

    #[test]
    fn a_value_is_written_on_one_line() {
        let text = JsonText::from(json!({ "text": "a\r\nb", "list": [1, null] }));

        assert!(!text.as_str().contains(['\n', '\r']), "{text:?}");
        assert_eq!(serde_json::from_str::<JsonText>(text.as_str()).unwrap(), text);
    }

    #[test]
    fn text_of_more_lines_is_refused() {
        let err = serde_json::from_str::<JsonText>("{\"a\":\n1}").unwrap_err();

        assert!(err.to_string().contains("more than one line"), "{err}");
    }
}
