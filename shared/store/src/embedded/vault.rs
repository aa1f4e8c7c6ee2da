//! AES-256-GCM with a key that stands beside the database and not in it.
//!
//! Who gets a copy of the database alone, such as a backup, cannot read its secrets. A secret is bound to its
//! id and its expiry, so that one cannot be put in another's place or made to last longer.
//!
//! **Invariant:** neither key nor plain text is in any `Debug`, log line or error.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::anyhow;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use ccm_domain::Timestamp;
use ccm_ports::StoreError;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::{corrupt, file};

const KEY_LEN: usize = 32;

type KeyBytes = Zeroizing<[u8; KEY_LEN]>;

/// Seals and opens secrets.
pub(super) struct Vault {
    key: RandomizedNonceKey,
}

/// A secret as it is stored: cipher text with its tag, and the nonce that it was made with.
pub(super) struct Sealed {
    pub(super) nonce: [u8; NONCE_LEN],
    pub(super) bytes: Vec<u8>,
}

impl Vault {
    /// Takes a key that nobody will ever know.
    pub(super) fn random() -> Result<Self, StoreError> {
        Self::with(&random_key()?)
    }

    /// Takes the key from the file beside the database, or makes one at the first start.
    pub(super) fn beside(path: &Path) -> Result<Self, StoreError> {
        let place = super::beside(path, "key");
        let fail = |err| file(format!("read the key {}", place.display()), err);
        match std::fs::read(&place).map(Zeroizing::new) {
            Ok(bytes) => {
                let bytes = <[u8; KEY_LEN]>::try_from(bytes.as_slice()).map_err(|_| {
                    StoreError::Corrupt(anyhow!("{} is no key of 32 bytes", place.display()))
                })?;
                warn_if_readable(&place).map_err(fail)?;
                Self::with(&Zeroizing::new(bytes))
            }
            Err(err) if err.kind() == ErrorKind::NotFound => {
                let key = random_key()?;
                write_key(&place, &key)
                    .map_err(|err| file(format!("make the key {}", place.display()), err))?;
                Self::with(&key)
            }
            Err(err) => Err(fail(err)),
        }
    }

    fn with(key: &KeyBytes) -> Result<Self, StoreError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_slice())
            .map_err(|err| corrupt("take a key", err))?;
        Ok(Self { key })
    }

    pub(super) fn seal(
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

    pub(super) fn open(
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

fn random_key() -> Result<KeyBytes, StoreError> {
    let mut key = KeyBytes::default();
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|err| corrupt("make a key", err))?;
    Ok(key)
}

/// Writes the whole key under another name first: a crash must not leave half of one.
fn write_key(place: &Path, key: &KeyBytes) -> std::io::Result<()> {
    let draft = super::beside(place, "new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&draft)?;
    out.write_all(key.as_slice())?;
    out.sync_all()?;
    std::fs::rename(&draft, place)
}

#[cfg(unix)]
fn warn_if_readable(place: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = File::open(place)?.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!("other users may read the key {}", place.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn warn_if_readable(_place: &Path) -> std::io::Result<()> {
    Ok(())
}
