//! Secrets: encrypted before they reach the database, decrypted on the way out.

use async_trait::async_trait;
use ccm_domain::Timestamp;
use ccm_ports::{SecretStore, StoreError};
use rusqlite::OptionalExtension as _;
use secrecy::SecretString;

use super::Embedded;
use crate::vault::Sealed;

#[async_trait]
impl SecretStore for Embedded {
    async fn keep(
        &self,
        id: &str,
        secret: &SecretString,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let Sealed { nonce, bytes } = self.parts.vault.seal(id, expires, secret)?;
        let id = id.to_owned();
        self.write("keep a secret", move |conn| {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO secrets (id, expires, nonce, sealed) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((id, expires.as_millis(), nonce, bytes))?;
            Ok(())
        })
        .await
    }

    async fn reveal(&self, id: &str, now: Timestamp) -> Result<Option<SecretString>, StoreError> {
        let key = id.to_owned();
        let found: Option<(i64, Sealed)> = Self::read(self, "read a secret", move |conn| {
            let found = conn
                .prepare_cached(
                    "SELECT expires, nonce, sealed FROM secrets WHERE id = ?1 AND expires > ?2",
                )?
                .query_row((key, now.as_millis()), |row| {
                    Ok((row.get(0)?, Sealed { nonce: row.get(1)?, bytes: row.get(2)? }))
                })
                .optional()?;
            Ok(found)
        })
        .await?;
        let open =
            |(expires, sealed)| self.parts.vault.open(id, Timestamp::from_millis(expires), sealed);
        found.map(open).transpose()
    }

    async fn drop_secret(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write("drop a secret", move |conn| {
            conn.prepare_cached("DELETE FROM secrets WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }

    async fn drop_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.write("drop expired secrets", move |conn| {
            let gone = conn
                .prepare_cached("DELETE FROM secrets WHERE expires <= ?1")?
                .execute([now.as_millis()])?;
            Ok(gone as u64)
        })
        .await
    }
}
