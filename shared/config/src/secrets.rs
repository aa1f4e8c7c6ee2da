//! A secret that may be several while it is replaced.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Secret;
use crate::secret::SECRET;

/// One secret, or a list of them while one is replaced by another; none when unset. Never printed.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Returns each value. Every call of this is a place where a secret can leak.
    pub fn expose(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Secret::expose)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for Secrets {
    fn from_iter<T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        Self(texts.into_iter().map(Secret::from).collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} hidden]", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SECRET, OneOrMore).map(Self)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Vec<Secret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of texts")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Vec<Secret>, D::Error> {
        inner.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Secret>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<Secret>, E> {
        Ok(if text.is_empty() { Vec::new() } else { vec![Secret::from(text)] })
    }
}
