//! Values that never print.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use url::Url;

/// Marks a type towards our deserializer, which then hides its value in reports.
pub(crate) const SECRET: &str = "$ccm::Secret";
/// Like [`SECRET`], for a URL of which only the password is hidden.
pub(crate) const SECRET_URL: &str = "$ccm::SecretUrl";

/// A password, token or key: wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Secret(SecretString);

/// The URL of a server that may carry a password, which alone is hidden when printed.
#[derive(Clone)]
pub struct SecretUrl(SecretString);

impl Secret {
    /// Returns the value. Every call of this is a place where a secret can leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the wrapped `secrecy` value, for adapters that take one.
    #[must_use]
    pub fn into_inner(self) -> SecretString {
        self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl SecretUrl {
    /// Returns the whole URL, password included.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns what stands before the first colon: `memory`, `mongodb`, `redis-cluster`, …
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.expose().split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl From<&str> for SecretUrl {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.expose()))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SECRET, text::Visit).map(|text| Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_newtype_struct(SECRET_URL, text::Visit)
            .map(|text| Self(text.into()))
    }
}

/// Returns `url` with the user's password replaced, also when it is no valid URL.
pub(crate) fn without_password(url: &str) -> String {
    if let Ok(mut parsed) = Url::parse(url)
        && parsed.password().is_some()
        && parsed.set_password(Some("hidden")).is_ok()
    {
        return parsed.into();
    }
    // Several hosts (`mongodb://u:p@a,b/db`) are no URL to the parser: cut by hand.
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    match rest[..authority_end].rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:hidden@{}", &rest[user.len() + 1..])
        }
        _ => url.to_owned(),
    }
}

/// Reads a string through the newtype markers above.
mod text {
    use std::fmt;

    use serde::Deserializer;
    use serde::de::{Error, Visitor};

    pub(super) struct Visit;

    impl<'de> Visitor<'de> for Visit {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<String, D::Error> {
            inner.deserialize_str(self)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
            Ok(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_hidden_and_nothing_else() {
        for (url, shown) in [
            ("mongodb://ann:pw@db:27017/ccm?w=1", "mongodb://ann:hidden@db:27017/ccm?w=1"),
            ("mongodb://ann:pw@a:1,b:2/ccm", "mongodb://ann:hidden@a:1,b:2/ccm"),
            ("redis://:pw@cache:6379/0", "redis://:hidden@cache:6379/0"),
            ("redis://cache:6379", "redis://cache:6379"),
            ("embedded:/var/lib/ccm/ccm.db", "embedded:/var/lib/ccm/ccm.db"),
            ("memory:", "memory:"),
        ] {
            assert_eq!(SecretUrl::from(url).to_string(), shown, "{url}");
            assert_eq!(format!("{:?}", SecretUrl::from(url)), shown, "{url}");
        }
    }

    #[test]
    fn a_secret_prints_as_hidden() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[hidden]");
    }
}
