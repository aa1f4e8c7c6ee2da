//! Who may send events: whoever signs them, or has the bearer token.

use std::fmt;

use ccm_domain::Timestamp;

use super::Message;
use crate::signature::{self, InvalidKey, Signed, SigningKey, Untrusted};

/// The secrets that let a message in. Without any it is closed.
#[derive(Clone, Default)]
pub struct Gate {
    keys: Vec<SigningKey>,
    /// Their fingerprints: the tokens themselves are needed by nobody.
    bearers: Vec<String>,
}

/// Why a message is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// It proves nothing.
    #[error("send the headers of Standard Webhooks, or Authorization: Bearer")]
    NoProof,
    /// It has a bearer token, which is none of ours.
    #[error("the bearer token is not known here")]
    Token,
    /// Its signature is none of ours.
    #[error(transparent)]
    Signature(Untrusted),
}

impl Gate {
    /// Reads the secrets: those that messages are signed with, and bearer tokens.
    ///
    /// # Errors
    /// When a secret is none of Standard Webhooks; it is not repeated.
    pub fn read<'a>(
        secrets: impl IntoIterator<Item = &'a str>,
        bearers: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidKey> {
        let keys = secrets.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        let bearers = bearers.into_iter().map(|token| signature::fingerprint(&[token])).collect();
        Ok(Self { keys, bearers })
    }

    /// Whether it lets nobody in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.keys.is_empty() && self.bearers.is_empty()
    }

    /// Lets a message in.
    ///
    /// # Errors
    /// [`Stranger`], which may be told to whoever sent it.
    pub fn admit(&self, message: &Message<'_>, now: Timestamp) -> Result<(), Stranger> {
        // Two of a kind prove nothing: nobody knows which one others look at.
        let one = |name| message.one(name).ok().flatten();
        let mut refusal = Stranger::NoProof;
        if !self.keys.is_empty() && one(signature::SIGNATURE).is_some() {
            let signed = Signed {
                id: one(signature::ID),
                timestamp: one(signature::TIMESTAMP),
                signature: one(signature::SIGNATURE),
            };
            match signature::verify(&self.keys, signed, message.body, now) {
                Ok(()) => return Ok(()),
                Err(untrusted) => refusal = Stranger::Signature(untrusted),
            }
        }
        let Some(token) = one("authorization").and_then(bearer) else { return Err(refusal) };
        // All of them, so that the time says nothing about which one it is.
        let token = signature::fingerprint(&[token]);
        let same = |known: &String| signature::is_same_secret(known, &token);
        if self.bearers.iter().filter(|known| same(known)).count() > 0 {
            return Ok(());
        }
        Err(if refusal == Stranger::NoProof { Stranger::Token } else { refusal })
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, bearers) = (self.keys.len(), self.bearers.len());
        write!(f, "Gate({keys} keys, {bearers} tokens)")
    }
}
