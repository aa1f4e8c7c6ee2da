//! CML's JSON as it is, in all versions we know: unknown fields ignored, nearly everything optional.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use ccm_domain::cml::{Compliance, LabState, Registration};
use ccm_domain::{LabId, Timestamp};
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// `GET /system_information`.
#[derive(Debug, Deserialize)]
pub(crate) struct SystemInformation {
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) ready: Option<bool>,
}

/// `GET /system_health`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SystemHealth {
    pub(crate) valid: Option<bool>,
    pub(crate) controller: Lenient<ControllerHealth>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ControllerHealth {
    pub(crate) valid: Option<bool>,
}

/// `GET /system_stats`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SystemStats {
    pub(crate) computes: HashMap<String, Lenient<ComputeStats>>,
    pub(crate) all: Lenient<HostStats>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ComputeStats {
    pub(crate) stats: Lenient<HostStats>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HostStats {
    pub(crate) cpu: Lenient<CpuStats>,
    pub(crate) memory: Lenient<Amount>,
    pub(crate) disk: Lenient<Amount>,
    pub(crate) dominfo: Lenient<DomInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CpuStats {
    pub(crate) percent: Option<f64>,
}

/// Bytes, as floats.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Amount {
    pub(crate) used: Option<f64>,
    pub(crate) total: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DomInfo {
    pub(crate) total_nodes: Option<u32>,
    pub(crate) running_nodes: Option<u32>,
}

/// `GET /labs/{id}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lab {
    pub(crate) lab_title: Option<String>,
    pub(crate) lab_description: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) owner_username: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) modified: Option<String>,
}

/// One of `GET /labs/{id}/nodes?data=true`.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) node_definition: Option<String>,
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) x: Option<f64>,
    #[serde(default)]
    pub(crate) y: Option<f64>,
}

/// One of `GET /labs/{id}/links?data=true`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Link {
    pub(crate) node_a: Option<String>,
    pub(crate) node_b: Option<String>,
}

/// `POST /import`.
#[derive(Debug, Deserialize)]
pub(crate) struct Imported {
    pub(crate) id: LabId,
    #[serde(default)]
    pub(crate) warnings: Lenient<Vec<String>>,
}

/// `GET /licensing`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Licensing {
    pub(crate) registration: Lenient<RegistrationPart>,
    pub(crate) authorization: Lenient<StatusPart>,
    pub(crate) product_license: Lenient<Product>,
    pub(crate) features: Lenient<Vec<Readable<Feature>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RegistrationPart {
    pub(crate) status: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) register_time: Lenient<Times>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusPart {
    pub(crate) status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Times {
    pub(crate) failure: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Product {
    pub(crate) active: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Feature {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) in_use: Option<u32>,
    #[serde(default)]
    pub(crate) status: Option<String>,
}

/// One of `GET /telemetry/events`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TelemetryEvent {
    pub(crate) category: Option<String>,
    pub(crate) timestamp: Option<String>,
    #[serde(rename = "data")]
    pub(crate) fields: Lenient<TelemetryFields>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TelemetryFields {
    pub(crate) user_id: Option<String>,
}

/// A part that counts as left out when it is not what we expect, such as `null` or a text.
#[derive(Debug, Default)]
pub(crate) struct Lenient<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData)).map(Lenient)
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for LenientVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(map))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<serde_json::Value>()? {
            items.push(item);
        }
        Ok(T::deserialize(serde_json::Value::Array(items)).unwrap_or_default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }
}

/// An item of a list; one that cannot be read is left out instead of spoiling the list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Readable<T> {
    Yes(T),
    No(IgnoredAny),
}

impl<T> Readable<T> {
    pub(crate) fn into_option(self) -> Option<T> {
        match self {
            Self::Yes(item) => Some(item),
            Self::No(_) => None,
        }
    }
}

/// Reads a moment in any of the forms that occur: `Z`, an offset, no zone (UTC), `T` or a blank.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(at.as_millisecond()));
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let at = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// Reads a lab's state.
pub(crate) fn lab_state(text: Option<&str>) -> LabState {
    match text {
        Some("DEFINED_ON_CORE") => LabState::DefinedOnCore,
        Some("STARTED") => LabState::Started,
        Some("STOPPED") => LabState::Stopped,
        Some(_) | None => LabState::Unknown,
    }
}

/// Reads a registration's state; open strings, as CML passes them on from the licence agent.
pub(crate) fn registration(text: Option<&str>) -> Registration {
    match text.map(word).as_deref() {
        Some("COMPLETED" | "REGISTERED") => Registration::Completed,
        Some("IN_PROGRESS" | "RETRY_IN_PROGRESS" | "PENDING") => Registration::InProgress,
        Some("NOT_REGISTERED" | "UNREGISTERED" | "UNCONFIGURED" | "NOT_STARTED") | None => {
            Registration::NotRegistered
        }
        Some("FAILED") => Registration::Failed,
        Some(_) => Registration::Unknown,
    }
}

/// Reads an authorization's state.
pub(crate) fn compliance(text: Option<&str>) -> Compliance {
    match text.map(word).as_deref() {
        Some("IN_COMPLIANCE" | "AUTHORIZED") => Compliance::InCompliance,
        Some("OUT_OF_COMPLIANCE") => Compliance::OutOfCompliance,
        Some("EVAL" | "EVALUATION" | "EVAL_MODE" | "EVALUATION_MODE") => Compliance::Evaluation,
        Some("INIT" | "NO_LICENSES_IN_USE" | "NOT_AUTHORIZED" | "NOT_REGISTERED") | None => {
            Compliance::Init
        }
        Some(_) => Compliance::Other,
    }
}

/// Brings `In Compliance`, `in-compliance` and `IN_COMPLIANCE` together.
fn word(text: &str) -> String {
    text.trim().to_ascii_uppercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_time_mean_the_same_moment() {
        let expected = "2026-08-20T17:25:30Z".parse().ok();

        for text in [
            "2026-08-20T17:25:30Z",
            "2026-08-20T17:25:30+00:00",
            "2026-08-20T19:25:30+02:00",
            "2026-08-20T17:25:30",
            "2026-08-20 17:25:30",
            "2026-08-20T17:25:30.000123",
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn a_part_of_another_kind_counts_as_left_out() {
        for text in ["null", "3", "\"none\"", "true", "[1]", "{}"] {
            let part: Lenient<Product> = serde_json::from_str(text).unwrap();
            assert_eq!(part.0.active, None, "{text}");
        }
    }

    #[test]
    fn words_of_the_licence_agent_are_read_in_any_spelling() {
        assert_eq!(compliance(Some("In Compliance")), Compliance::InCompliance);
        assert_eq!(compliance(Some("EVAL_EXPIRED")), Compliance::Other);
        assert_eq!(registration(Some("not registered")), Registration::NotRegistered);
        assert_eq!(registration(Some("ON_HOLD")), Registration::Unknown);
    }
}
