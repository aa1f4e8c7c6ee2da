//! Where the store is, as it stands in the configuration.

use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, de};

/// Where the store is: `mongodb://HOST/DATABASE`, `embedded:PATH` or `memory:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A MongoDB server, or one that speaks its protocol.
    Mongo(MongoUrl),
    /// One SQLite file.
    File(PathBuf),
    /// Nowhere: gone when the process ends.
    Memory,
}

/// Address of a MongoDB server with the name of a database; never printed, since it may hold a password.
#[derive(Clone)]
pub struct MongoUrl(SecretString);

/// The text names no store that this build knows.
///
/// Holds no part of the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    /// No known scheme, or no path behind it.
    #[error("expected a store such as 'mongodb://127.0.0.1/ccm', 'embedded:ccm.db' or 'memory:'")]
    Unknown,
    /// A MongoDB address without the name of a database.
    #[error("expected the name of a database behind the server, as in 'mongodb://127.0.0.1/ccm'")]
    NoDatabase,
    /// A MongoDB address that the driver does not take.
    #[error(
        "the driver does not take this address; a password may need percent-encoding, an option may be unknown, \
         have no value, or be there twice"
    )]
    Refused,
    /// A MongoDB address, and this build cannot reach one.
    #[error("this build has no MongoDB adapter; use 'embedded:PATH' or 'memory:'")]
    NoMongo,
}

impl Place {
    /// Returns whether several processes can share the store.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        match self {
            Self::Mongo(_) => true,
            Self::File(_) | Self::Memory => false,
        }
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("embedded", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("mongodb" | "mongodb+srv", _)) if cfg!(feature = "mongo") => {
                text.parse().map(Self::Mongo)
            }
            Some(("mongodb" | "mongodb+srv", _)) => Err(InvalidPlace::NoMongo),
            Some(_) | None => Err(InvalidPlace::Unknown),
        }
    }
}

impl MongoUrl {
    /// Returns the whole address, password included.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        database(self.expose()).unwrap_or_default()
    }
}

/// Returns what stands between the servers and the options.
fn database(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let before_options = rest.split('?').next().unwrap_or_default();
    let (servers, database) = before_options.rsplit_once('/')?;
    (!servers.is_empty() && !database.is_empty()).then_some(database)
}

impl FromStr for MongoUrl {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("mongodb" | "mongodb+srv")) {
            return Err(InvalidPlace::Unknown);
        }
        database(text).ok_or(InvalidPlace::NoDatabase)?;
        // What it says may quote the password.
        #[cfg(feature = "mongo")]
        mongodb::options::ConnectionString::parse(text).map_err(|_| InvalidPlace::Refused)?;
        Ok(Self(text.into()))
    }
}

impl PartialEq for MongoUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for MongoUrl {}

impl std::fmt::Debug for MongoUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
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
            ("redis://cache", Err(InvalidPlace::Unknown)),
        ];

        for (text, expected) in cases {
            assert_eq!(text.parse::<Place>(), expected, "{text}");
        }
    }

    #[test]
    fn an_address_of_mongodb_names_a_database_and_is_never_printed() {
        for text in [
            "mongodb://u:secret@db/ccm",
            "mongodb://a:1,b:2/ccm?replicaSet=rs0",
            "mongodb+srv://db.example.com/ccm",
        ] {
            let url: MongoUrl = text.parse().unwrap();

            assert_eq!((url.expose(), &*format!("{url:?}")), (text, "[hidden]"));
            assert_eq!(url.database(), "ccm");
        }
        for text in ["mongodb://db", "mongodb://db/", "mongodb://db/?w=1", "mongodb:///ccm"] {
            assert_eq!(text.parse::<MongoUrl>(), Err(InvalidPlace::NoDatabase), "{text}");
        }
        for text in ["redis://db/ccm", "mongodb:db/ccm"] {
            assert_eq!(text.parse::<MongoUrl>(), Err(InvalidPlace::Unknown), "{text}");
        }
    }

    #[cfg(feature = "mongo")]
    #[test]
    fn an_address_that_the_driver_does_not_take_is_refused_before_anybody_connects() {
        for text in [
            "mongodb://db/ccm?directConnection=true&directConnection=true",
            "mongodb://db/ccm?directConnection=perhaps",
            "mongodb://u:p@ss@db/ccm",
        ] {
            assert_eq!(text.parse::<MongoUrl>(), Err(InvalidPlace::Refused), "{text}");
        }
    }

    #[test]
    fn a_build_without_the_adapter_says_so() {
        let place = "mongodb://u:secret@db/ccm".parse::<Place>();

        if cfg!(feature = "mongo") {
            assert!(place.unwrap().is_shared());
        } else {
            assert_eq!(place, Err(InvalidPlace::NoMongo));
        }
        assert!(!Place::Memory.is_shared());
    }
}
