//! The key of the secrets, in a file of its own beside the database.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::anyhow;
use ccm_ports::StoreError;
use secrecy::zeroize::Zeroizing;

use super::error::file;
use crate::vault::{SecretKey, Vault};

/// Takes the key from the file beside the database, or makes one at the first start.
pub(super) fn vault_beside(path: &Path) -> Result<Vault, StoreError> {
    let place = super::beside(path, "key");
    let fail = |err| file(format!("read the key {}", place.display()), err);
    match std::fs::read(&place).map(Zeroizing::new) {
        Ok(bytes) => {
            let key = SecretKey::from_bytes(&bytes).map_err(|_| {
                StoreError::Corrupt(anyhow!("{} is no key of 32 bytes", place.display()))
            })?;
            warn_if_readable(&place).map_err(fail)?;
            Vault::new(&key)
        }
        Err(err) if err.kind() == ErrorKind::NotFound => {
            let key = SecretKey::random()?;
            write_key(&place, &key)
                .map_err(|err| file(format!("make the key {}", place.display()), err))?;
            Vault::new(&key)
        }
        Err(err) => Err(fail(err)),
    }
}

/// Writes the whole key under another name first: a crash must not leave half of one.
fn write_key(place: &Path, key: &SecretKey) -> std::io::Result<()> {
    let draft = super::beside(place, "new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&draft)?;
    out.write_all(key.as_bytes())?;
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
