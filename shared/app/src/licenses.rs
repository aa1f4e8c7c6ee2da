//! Wishes about licences. A token lives in the secret store alone, until its operation has ended.

use std::time::Duration;

use ccm_domain::worker::{LICENSE_LIMIT, Wish};
use ccm_domain::{Actor, DomainError, OperationId, Permission, Worker};
use secrecy::{ExposeSecret, SecretString};

use crate::{Asked, Expected, Fleet, Result, WorkerRef};

/// A token outlives its operation by so much, so that the last step can still be repeated.
const TOKEN_GRACE: Duration = Duration::from_secs(300);

/// Cisco's tokens have about 150 characters.
const LONGEST_TOKEN: usize = 4_096;

impl Fleet {
    /// Asks for a licence to be registered.
    ///
    /// # Errors
    /// When the actor may not, the token is malformed, the controller does not serve, or another licence
    /// operation is under way.
    pub async fn request_registration(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        token: &SecretString,
        reregister: bool,
        op: OperationId,
    ) -> Result<Asked> {
        actor.must(Permission::ControlLicenses).map_err(DomainError::from)?;
        must_be_token(token)?;
        self.known(which).await?;
        let (secret, now) = (op.to_string(), self.clock.now());
        let expires = now.plus(LICENSE_LIMIT + TOKEN_GRACE);
        // Kept first: the scheduler may take the operation up at once.
        self.stores.secrets.keep(&secret, token, expires).await?;
        let intent = |w: &mut Worker| {
            if w.operation(op).is_some() {
                return Ok(Wish::UnderWay(op));
            }
            Ok(w.request_license(op, secret.clone(), reregister, actor.author(), now)?)
        };
        let asked = self.with_intent(which, &Expected::Any, intent).await;
        let needed = asked.as_ref().is_ok_and(|(_, wish)| *wish != Wish::AlreadySo);
        if !needed && let Err(err) = self.stores.secrets.drop_secret(&secret).await {
            tracing::warn!(
                error = &err as &dyn std::error::Error,
                "a token that is not needed stays until it expires"
            );
        }
        Ok(asked?.into())
    }

    /// Asks for a licence to be given back.
    ///
    /// # Errors
    /// When the actor may not, the controller does not serve, or another licence operation is under way.
    pub async fn request_deregistration(
        &self,
        actor: &Actor,
        which: &WorkerRef,
        op: OperationId,
    ) -> Result<Asked> {
        actor.must(Permission::ControlLicenses).map_err(DomainError::from)?;
        let now = self.clock.now();
        let intent = |w: &mut Worker| {
            if w.operation(op).is_some() {
                return Ok(Wish::UnderWay(op));
            }
            Ok(w.request_deregister(op, actor.author(), now)?)
        };
        Ok(self.with_intent(which, &Expected::Any, intent).await?.into())
    }
}

fn must_be_token(token: &SecretString) -> Result<(), DomainError> {
    let text = token.expose_secret();
    let fits = (1..=LONGEST_TOKEN).contains(&text.len());
    if fits && !text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(DomainError::invalid("/token", "must have 1 to 4096 characters and no blanks"))
}
