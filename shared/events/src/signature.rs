//! Standard Webhooks 1.0: who sent it, and that nobody changed it.
//!
//! What is signed is `<webhook-id>.<webhook-timestamp>.<body>` with HMAC-SHA256. The header holds one signature
//! for each secret in use, so that secrets can be replaced while both ends run.
//!
//! **Invariant:** no key is in any `Debug`, log line or error.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ccm_domain::Timestamp;

/// Header with the id of the message, the same for each repetition.
pub const ID: &str = "webhook-id";
/// Header with the second of the attempt.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures, between spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// How far the sender's clock may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Version of the signatures made with a secret that both ends have.
const VERSION: &str = "v1";
/// A sender has two secrets while it replaces one; more than this is no sender's doing.
const MOST_SIGNATURES: usize = 16;

/// A secret that messages are signed with.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

/// The text is no secret of Standard Webhooks. It is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected whsec_ and the base64 of 24 to 64 random bytes")]
pub struct InvalidKey;

/// Why a message is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// A header is not there or is no text.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// The time is none.
    #[error("webhook-timestamp must be a number of seconds since 1970")]
    NoTime,
    /// It was made too long ago, or in the future: a replay, or a clock that is wrong.
    #[error("webhook-timestamp is more than five minutes from the time here")]
    OutOfTime,
    /// No signature was made with a secret of ours.
    #[error("no signature of webhook-signature fits")]
    NoMatch,
}

/// The three headers as they came; none for one that is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signed<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

impl FromStr for SigningKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidKey)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidKey)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(InvalidKey);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl SigningKey {
    fn tag(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        context.sign()
    }
}

/// Returns the id under which an event is sent.
///
/// An event's own id may have full stops, which would let two messages have one signature.
#[must_use]
pub fn message_id(event: &str) -> String {
    let hash = fingerprint(&[event]);
    format!("msg_{}", &hash[..32])
}

/// Returns the hash of texts that cannot run into each other, in hexadecimal digits.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two secrets are the same, in a time that says nothing about either.
#[must_use]
pub fn is_same_secret(one: &str, other: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    constant_time::verify_slices_are_equal(hash(one).as_ref(), hash(other).as_ref()).is_ok()
}

/// Returns the value of `webhook-timestamp` for an attempt now.
#[must_use]
pub fn seconds(now: Timestamp) -> String {
    now.as_millis().div_euclid(1_000).to_string()
}

/// Returns the value of `webhook-signature`: one signature for each key.
#[must_use]
pub fn sign(keys: &[SigningKey], id: &str, timestamp: &str, body: &[u8]) -> String {
    let signature =
        |key: &SigningKey| format!("{VERSION},{}", STANDARD.encode(key.tag(id, timestamp, body)));
    keys.iter().map(signature).collect::<Vec<_>>().join(" ")
}

/// Insists that the body was signed with one of the keys, not long ago.
///
/// # Errors
/// [`Untrusted`], which may be told to whoever sent it.
pub fn verify(
    keys: &[SigningKey],
    signed: Signed<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Untrusted> {
    let id = signed.id.ok_or(Untrusted::Missing(ID))?;
    let timestamp = signed.timestamp.ok_or(Untrusted::Missing(TIMESTAMP))?;
    let signatures = signed.signature.ok_or(Untrusted::Missing(SIGNATURE))?;
    let seconds: i64 = timestamp.parse().map_err(|_| Untrusted::NoTime)?;
    let made = Timestamp::from_millis(seconds.saturating_mul(1_000));
    if now.since(made).max(made.since(now)) > TOLERANCE {
        return Err(Untrusted::OutOfTime);
    }
    let given: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|one| one.strip_prefix(VERSION)?.strip_prefix(','))
        .take(MOST_SIGNATURES)
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .collect();
    for key in keys {
        let tag = key.tag(id, timestamp, body);
        let fits = |given: &Vec<u8>| {
            constant_time::verify_slices_are_equal(tag.as_ref(), given.as_slice()).is_ok()
        };
        if given.iter().any(fits) {
            return Ok(());
        }
    }
    Err(Untrusted::NoMatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Vectors of the specification's own libraries (`TestWebhookSign`).
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const EXPECTED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key(secret: &str) -> SigningKey {
        secret.parse().unwrap()
    }

    fn other() -> SigningKey {
        key("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    }

    fn then() -> Timestamp {
        Timestamp::from_millis(1_614_265_330_400)
    }

    fn signed(signature: &str) -> Signed<'_> {
        Signed { id: Some(MESSAGE), timestamp: Some(SECONDS), signature: Some(signature) }
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        assert_eq!(seconds(then()), SECONDS);
        assert_eq!(sign(&[key(SECRET)], MESSAGE, SECONDS, BODY), EXPECTED);
    }

    #[test]
    fn while_secrets_are_replaced_each_of_them_signs() {
        let both = sign(&[other(), key(SECRET)], MESSAGE, SECONDS, BODY);

        let (first, second) = both.split_once(' ').unwrap();
        assert!(first.starts_with("v1,") && second == EXPECTED, "{both}");
        for keys in [[key(SECRET)], [other()]] {
            assert_eq!(verify(&keys, signed(&both), BODY, then()), Ok(()));
        }
    }

    #[test]
    fn one_signature_of_several_is_enough() {
        let many = format!("v2,AAAA v1a,AAAA v1,AAAA v1,!! {EXPECTED} v1,BBBB");

        assert_eq!(verify(&[other(), key(SECRET)], signed(&many), BODY, then()), Ok(()));
    }

    #[test]
    fn what_was_changed_or_signed_by_others_is_not_trusted() {
        let keys = [key(SECRET)];
        let good = signed(EXPECTED);
        assert_eq!(verify(&keys, good, BODY, then()), Ok(()));

        for (what, signed, body, expected) in [
            ("body", good, &b"{}"[..], Untrusted::NoMatch),
            ("id", Signed { id: Some("msg_x"), ..good }, BODY, Untrusted::NoMatch),
            ("time", Signed { timestamp: Some("1614265331"), ..good }, BODY, Untrusted::NoMatch),
            ("version", signed("v1a,g0hM9SsE"), BODY, Untrusted::NoMatch),
            ("no id", Signed { id: None, ..good }, BODY, Untrusted::Missing(ID)),
            ("no time", Signed { timestamp: None, ..good }, BODY, Untrusted::Missing(TIMESTAMP)),
            ("unsigned", Signed { signature: None, ..good }, BODY, Untrusted::Missing(SIGNATURE)),
            ("words", Signed { timestamp: Some("now"), ..good }, BODY, Untrusted::NoTime),
        ] {
            assert_eq!(verify(&keys, signed, body, then()), Err(expected), "{what}");
        }
        assert_eq!(verify(&[other()], good, BODY, then()), Err(Untrusted::NoMatch));
        assert_eq!(verify(&[], good, BODY, then()), Err(Untrusted::NoMatch));
    }

    #[test]
    fn a_message_is_good_for_five_minutes_either_way() {
        let made = Timestamp::from_millis(1_614_265_330_000);
        for (now, expected) in [
            (made.plus(TOLERANCE), Ok(())),
            (made.minus(TOLERANCE), Ok(())),
            (made.plus(TOLERANCE + Duration::from_secs(1)), Err(Untrusted::OutOfTime)),
            (made.minus(TOLERANCE + Duration::from_secs(1)), Err(Untrusted::OutOfTime)),
        ] {
            assert_eq!(verify(&[key(SECRET)], signed(EXPECTED), BODY, now), expected, "{now}");
        }
        let far = Signed { timestamp: Some("9223372036854775807"), ..signed(EXPECTED) };
        assert_eq!(verify(&[key(SECRET)], far, BODY, made), Err(Untrusted::OutOfTime));
    }

    #[test]
    fn secrets_are_checked_and_never_shown() {
        for bad in [
            "",
            "hunter2",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_",
            "whsec_!!",
            // 16 bytes.
            "whsec_AAAAAAAAAAAAAAAAAAAAAA==",
        ] {
            assert_eq!(bad.parse::<SigningKey>().unwrap_err(), InvalidKey, "{bad}");
        }
        assert_eq!(format!("{:?}", key(SECRET)), "[hidden]");
    }

    #[test]
    fn ids_of_messages_have_no_full_stop_and_differ() {
        let one = message_id("workers/w/7.0");

        assert_eq!(one, message_id("workers/w/7.0"));
        assert_ne!(one, message_id("workers/w/7.1"));
        assert!(one.len() == 36 && !one.contains('.'), "{one}");
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(is_same_secret("a", "a"));
        assert!(!is_same_secret("a", "ab"));
        assert!(!is_same_secret("", "a"));
    }
}
