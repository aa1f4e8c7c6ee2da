//! AES-256-GCM with a key that stands beside the database and not in it.
//!
//! Who gets a copy of the database alone, such as a backup, cannot read its secrets. A secret is bound to its
//! id and its expiry, so that one cannot be put in another's place or made to last longer.
//!
//! **Invariant:** neither key nor plain text is in any `Debug`, log line or error.

use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ccm_domain::Timestamp;
use ccm_ports::StoreError;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::corrupt;

const KEY_LEN: usize = 32;

/// What secrets are encrypted with; wiped from memory when dropped, never printed.
///
/// Parsed from base64, as `openssl rand -base64 32` prints it.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; KEY_LEN]>);

/// The text is no key. Holds no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected base64 of 32 bytes, such as `openssl rand -base64 32` prints")]
pub struct InvalidSecretKey;

impl SecretKey {
    /// Takes a key that nobody will ever know.
    pub(crate) fn random() -> Result<Self, StoreError> {
        let mut key = Self(Zeroizing::default());
        aws_lc_rs::rand::fill(key.0.as_mut_slice()).map_err(|err| corrupt("make a key", err))?;
        Ok(key)
    }

    /// Takes the bytes themselves, if they are as many as a key has.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSecretKey> {
        let bytes = <[u8; KEY_LEN]>::try_from(bytes).map_err(|_| InvalidSecretKey)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl FromStr for SecretKey {
    type Err = InvalidSecretKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| InvalidSecretKey)?;
        Self::from_bytes(&Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Seals and opens secrets.
pub(crate) struct Vault {
    key: RandomizedNonceKey,
}

/// A secret as it is stored: cipher text with its tag, and the nonce that it was made with.
pub(crate) struct Sealed {
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) bytes: Vec<u8>,
}

impl Vault {
    pub(crate) fn new(key: &SecretKey) -> Result<Self, StoreError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_bytes())
            .map_err(|err| corrupt("take a key", err))?;
        Ok(Self { key })
    }

    pub(crate) fn seal(
        &self,
        id: &str,
        expires: Timestamp,
        secret: &SecretString,
    ) -> Result<Sealed, StoreError> {
        let plain = secret.expose_secret().as_bytes();
        // Never grows while it holds plain text: a move would leave a copy behind.
        let mut bytes = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        bytes.extend_from_slice(plain);
        let nonce = self
            .key
            .seal_in_place_append_tag(bound_to(id, expires), &mut bytes)
            .map_err(|err| corrupt("encrypt a secret", err))?;
        Ok(Sealed { nonce: *nonce.as_ref(), bytes })
    }

    pub(crate) fn open(
        &self,
        id: &str,
        expires: Timestamp,
        sealed: Sealed,
    ) -> Result<SecretString, StoreError> {
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let mut bytes = Zeroizing::new(sealed.bytes);
        let plain = self
            .key
            .open_in_place(nonce, bound_to(id, expires), &mut bytes)
            .map_err(|err| corrupt("decrypt a secret: it was made with another key", err))?;
        let plain = std::str::from_utf8(plain).map_err(|err| corrupt("read a secret", err))?;
        Ok(SecretString::from(plain))
    }
}

/// What is authenticated together with the cipher text.
fn bound_to(id: &str, expires: Timestamp) -> Aad<Vec<u8>> {
    Aad::from(format!("{}\n{id}", expires.as_millis()).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_base64_of_32_bytes_and_never_printed() {
        let text = STANDARD.encode([7; KEY_LEN]);

        let key: SecretKey = format!("{text}\n").parse().unwrap();

        assert_eq!(key.as_bytes(), [7; KEY_LEN]);
        assert_eq!(format!("{key:?}"), "[hidden]");
        for odd in ["", "short", "!", &STANDARD.encode([7; KEY_LEN + 1])] {
            assert!(matches!(odd.parse::<SecretKey>(), Err(InvalidSecretKey)), "{odd}");
        }
    }
}
