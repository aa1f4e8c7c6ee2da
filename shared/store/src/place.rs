//! Where the store is, as it stands in the configuration.

use std::path::PathBuf;
use std::str::FromStr;

use ccm_ports::StoreError;
use serde::{Deserialize, Deserializer, de};

use crate::Embedded;

/// Where the store is: `embedded:PATH` or `memory:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One SQLite file.
    File(PathBuf),
    /// Nowhere: gone when the process ends.
    Memory,
}

/// The text names no store that this build knows.
///
/// Holds no part of the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    /// No known scheme, or no path behind it.
    #[error("expected a store such as 'embedded:ccm.db' or 'memory:'")]
    Unknown,
    /// A MongoDB address.
    #[error("this build has no MongoDB adapter; use 'embedded:PATH' or 'memory:'")]
    NoMongo,
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("embedded", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("mongodb" | "mongodb+srv", _)) => Err(InvalidPlace::NoMongo),
            Some(_) | None => Err(InvalidPlace::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Opens the store.
///
/// # Errors
/// As [`Embedded::open`].
pub fn open(place: &Place) -> Result<Embedded, StoreError> {
    match place {
        Place::File(path) => Embedded::open(path),
        Place::Memory => Embedded::memory(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_parsed_and_others_are_refused_without_repeating_them() {
        let cases = [
            ("embedded:ccm.db", Ok(Place::File("ccm.db".into()))),
            ("embedded:/var/lib/ccm/ccm.db", Ok(Place::File("/var/lib/ccm/ccm.db".into()))),
            ("memory:", Ok(Place::Memory)),
            ("embedded:", Err(InvalidPlace::Unknown)),
            ("memory:x", Err(InvalidPlace::Unknown)),
            ("ccm.db", Err(InvalidPlace::Unknown)),
            ("mongodb://u:secret@db/ccm", Err(InvalidPlace::NoMongo)),
            ("mongodb+srv://db/ccm", Err(InvalidPlace::NoMongo)),
        ];

        for (text, expected) in cases {
            assert_eq!(text.parse::<Place>(), expected, "{text}");
        }
    }
}
