//! Where a bus is, as a configuration says it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ccm_ports::{Bell, BusError, EventFeed, EventPublisher};

use crate::LocalBus;

/// Where a bus is.
#[derive(Clone, Debug)]
pub enum Place {
    /// Inside the process.
    Local,
    /// On Redis servers.
    #[cfg(feature = "redis")]
    Redis(crate::redis::Servers),
}

/// The text names no bus that this build knows.
///
/// Holds no part of the text, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    /// No known scheme.
    #[error(
        "expected a bus such as 'redis://host:6379', 'redis-sentinel://host:26379/service', \
         'redis-cluster://host:6379' or 'local:'"
    )]
    Unknown,
    /// An address of Redis servers, without the feature `redis`.
    #[error("this build has no Redis adapter; use 'local:'")]
    NoRedis,
    /// An address of Redis servers that is not complete or says too much; holds what is wrong.
    #[error("{0}")]
    Malformed(&'static str),
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("local", "")) => Ok(Self::Local),
            #[cfg(feature = "redis")]
            Some((scheme, rest)) if is_redis(scheme) => {
                crate::redis::Servers::parse(scheme, rest).map(Self::Redis)
            }
            #[cfg(not(feature = "redis"))]
            Some((scheme, _)) if is_redis(scheme) => Err(InvalidPlace::NoRedis),
            Some(_) | None => Err(InvalidPlace::Unknown),
        }
    }
}

fn is_redis(scheme: &str) -> bool {
    matches!(
        scheme,
        "redis"
            | "rediss"
            | "redis-sentinel"
            | "rediss-sentinel"
            | "redis-cluster"
            | "rediss-cluster"
    )
}

/// Sets the buses of several installations apart that share their servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(String);

/// The text is no namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 letters, digits, '-', '_' or '.'")]
pub struct InvalidNamespace;

impl Namespace {
    /// The longest name.
    const MOST_BYTES: usize = 64;

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for Namespace {
    type Err = InvalidNamespace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let fits = (1..=Self::MOST_BYTES).contains(&text.len());
        // A brace would move the hash tag, and keys of one bus to several servers.
        if fits && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNamespace)
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One bus, as its users see it.
#[derive(Clone)]
pub struct Bus {
    /// For the relay, and for whoever tells ephemeral events.
    pub publisher: Arc<dyn EventPublisher>,
    /// For the API.
    pub feed: Arc<dyn EventFeed>,
    /// For everybody.
    pub bell: Arc<dyn Bell>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").finish_non_exhaustive()
    }
}

/// Opens the bus at `place`, whose log keeps the last `history` events; a local bus keeps what it always keeps.
///
/// Nothing is connected yet: what needs a server that is away fails with [`BusError::Unavailable`].
///
/// # Errors
///
/// [`BusError::Unavailable`] when the driver refuses its settings.
pub fn open(place: &Place, namespace: &Namespace, history: usize) -> Result<Bus, BusError> {
    match place {
        Place::Local => {
            let _ = (namespace, history);
            Ok(Bus::of(LocalBus::default()))
        }
        #[cfg(feature = "redis")]
        Place::Redis(servers) => {
            let limits = crate::redis::RedisLimits { history, ..Default::default() };
            Ok(Bus::of(crate::RedisBus::new(servers, namespace, limits)?))
        }
    }
}

impl Bus {
    fn of<B>(bus: B) -> Self
    where
        B: EventPublisher + EventFeed + Bell + Clone + 'static,
    {
        Self { publisher: Arc::new(bus.clone()), feed: Arc::new(bus.clone()), bell: Arc::new(bus) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_bus_is_refused_without_repeating_it() {
        for text in ["", "local", "local:x", "http://u:secret@host", "redis", "nats://host"] {
            let refused = text.parse::<Place>().unwrap_err();
            assert_eq!(refused, InvalidPlace::Unknown, "{text}");
        }
        assert!(matches!("local:".parse(), Ok(Place::Local)));
    }

    #[test]
    fn a_namespace_is_a_word_that_cannot_move_the_hash_tag() {
        for text in ["main", "a", "Team-7.b_c", &"x".repeat(64)] {
            assert_eq!(text.parse::<Namespace>().unwrap().as_str(), text);
        }
        for text in ["", "a b", "a}", "{a", "a:b", "é", &"x".repeat(65)] {
            assert_eq!(text.parse::<Namespace>(), Err(InvalidNamespace), "{text}");
        }
    }
}
