//! Identifiers: parsed once at the edge, typed for ever after.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The text is not an identifier of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct InvalidId {
    /// The rule that was broken, as a noun phrase with an example.
    pub expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID; callers make version 7 so that ids sort by age.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Returns the UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self).map_err(|_| InvalidId { expected: "a UUID" })
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> bool = $check;
                check(s)
                    .then(|| Self(s.to_owned()))
                    .ok_or(InvalidId { expected: $expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

uuid_id! {
    /// Our own name of a worker; stays the same when its instance is replaced.
    WorkerId
}
uuid_id! {
    /// A long action with steps; also the idempotency token sent to AWS.
    OperationId
}

fn is_aws_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|hex| {
        matches!(hex.len(), 8 | 17)
            && hex.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    })
}

fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

text_id! {
    /// An EC2 instance, such as `i-0abcd1234ef567890`.
    InstanceId, "an EC2 instance id such as i-0abcd1234ef567890", |s| is_aws_id(s, "i-")
}
text_id! {
    /// An Amazon machine image, such as `ami-0abcd1234ef567890`.
    ImageId, "an AMI id such as ami-0abcd1234ef567890", |s| is_aws_id(s, "ami-")
}
text_id! {
    /// An AWS region, such as `eu-central-1`.
    Region, "an AWS region such as eu-central-1", |s| {
        is_word(s, 32) && s.contains('-') && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
}
text_id! {
    /// An AWS account of twelve digits, or `self` for the account of the credentials in use.
    Account, "an AWS account of twelve digits, or 'self'", |s| {
        s == "self" || (s.len() == 12 && s.bytes().all(|b| b.is_ascii_digit()))
    }
}
text_id! {
    /// A lab on one controller; CML makes UUIDs, any word of up to 64 characters is taken.
    LabId, "a lab id of 1 to 64 letters, digits, '-', '_' or '.'", |s| is_word(s, 64)
}
text_id! {
    /// An EC2 instance type, such as `m5zn.metal`.
    InstanceType, "an instance type such as m5zn.metal", |s| is_word(s, 48) && s.contains('.')
}
text_id! {
    /// The configured name of a place outside that events are sent to.
    SinkName, "a name of 1 to 64 lower-case letters, digits, '-' or '_'", |s| {
        (1..=64).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    }
}

impl Default for Account {
    fn default() -> Self {
        Self("self".to_owned())
    }
}

/// One account in one region: the unit in which AWS is asked and throttles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The account, `self` unless roles are assumed.
    pub account: Account,
    /// The region.
    pub region: Region,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_ids_are_checked_once() {
        for good in ["i-0abcd123", "i-0abcd1234ef567890"] {
            assert!(good.parse::<InstanceId>().is_ok(), "{good}");
        }
        for bad in ["", "i-", "i-xyz", "ami-0abcd123", "i-0ABCD123", "i-0abcd1234"] {
            assert!(bad.parse::<InstanceId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_and_types_are_words() {
        assert!("eu-central-1".parse::<Region>().is_ok());
        assert!("eu central 1".parse::<Region>().is_err());
        assert!("m5zn.metal".parse::<InstanceType>().is_ok());
        assert!("big".parse::<InstanceType>().is_err());
    }
}
