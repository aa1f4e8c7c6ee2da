//! Secrets: encrypted before they leave the process, decrypted on the way back.

use async_trait::async_trait;
use ccm_domain::Timestamp;
use ccm_ports::{SecretStore, StoreError};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Document, doc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Mongo;
use super::error::{Fault, no_secret_key};
use crate::error::corrupt;
use crate::vault::{Sealed, Vault};

pub(super) const SECRETS: &str = "secrets";

/// A secret as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    id: String,
    expires: DateTime,
    nonce: Binary,
    sealed: Binary,
}

#[async_trait]
impl SecretStore for Mongo {
    async fn keep(
        &self,
        id: &str,
        secret: &SecretString,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let Sealed { nonce, bytes } = self.vault()?.seal(id, expires, secret)?;
        let row = Row {
            id: id.to_owned(),
            expires: DateTime::from_millis(expires.as_millis()),
            nonce: binary(nonce.to_vec()),
            sealed: binary(bytes),
        };
        loop {
            let (secrets, row) = (self.collection::<Row>(SECRETS), row.clone());
            let same = doc! { "_id": id };
            let kept =
                self.run("keep a secret", async move {
                    secrets.replace_one(same, row).upsert(true).await
                })
                .await;
            match kept {
                Ok(_) => return Ok(()),
                // Another one kept it at the same moment, so now it is there to be replaced.
                Err(Fault::Duplicate) => {}
                Err(Fault::Failed(err)) => return Err(err),
            }
        }
    }

    async fn reveal(&self, id: &str, now: Timestamp) -> Result<Option<SecretString>, StoreError> {
        let secrets = self.collection::<Row>(SECRETS);
        let filter =
            doc! { "_id": id, "expires": { "$gt": DateTime::from_millis(now.as_millis()) } };
        let found =
            self.run("read a secret", async move { secrets.find_one(filter).await }).await?;
        let Some(row) = found else { return Ok(None) };
        let nonce = row.nonce.bytes.as_slice().try_into();
        let nonce = nonce.map_err(|err| corrupt("read a secret", err))?;
        let expires = Timestamp::from_millis(row.expires.timestamp_millis());
        self.vault()?.open(id, expires, Sealed { nonce, bytes: row.sealed.bytes }).map(Some)
    }

    async fn drop_secret(&self, id: &str) -> Result<(), StoreError> {
        let secrets = self.collection::<Document>(SECRETS);
        let filter = doc! { "_id": id };
        self.run("drop a secret", async move { secrets.delete_one(filter).await }).await?;
        Ok(())
    }

    async fn drop_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let secrets = self.collection::<Document>(SECRETS);
        let filter = doc! { "expires": { "$lte": DateTime::from_millis(now.as_millis()) } };
        let dropped = self
            .run("drop expired secrets", async move { secrets.delete_many(filter).await })
            .await?;
        Ok(dropped.deleted_count)
    }
}

impl Mongo {
    fn vault(&self) -> Result<&Vault, StoreError> {
        self.parts.vault.as_ref().ok_or_else(no_secret_key)
    }
}

fn binary(bytes: Vec<u8>) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes }
}
