//! Whether a login still holds: asked of the login server from time to time, by one process at a time.

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::Timestamp;
use ccm_ports::Login;

use super::Oidc;
use super::exchange::Grant;
use super::keys::Keys;
use super::server::{Declined, Known};

/// When to ask again after a question without an answer.
const LATER: Duration = Duration::from_secs(60);

impl Oidc {
    /// Returns the login as it is after a question to the login server; `None` when it has ended.
    ///
    /// The question goes on when nobody waits for the answer any more: it may have used up a refresh token.
    pub(super) async fn still_there(self: &Arc<Self>, login: Login) -> Option<Login> {
        let (told, answer) = tokio::sync::oneshot::channel();
        let (oidc, last) = (Arc::clone(self), login.clone());
        self.tasks.spawn("login-question", async move {
            let _ = told.send(oidc.asked(login).await);
        });
        // Without an answer the process stops.
        answer.await.unwrap_or(Some(last))
    }

    async fn asked(&self, login: Login) -> Option<Login> {
        let now = self.clock.now();
        // Whoever moves the time of the next question asks; a refresh token may be good for one question only.
        let claimed = self.logins.change(&login.key, |login| {
            let is_due = login.ask_at.is_some_and(|at| at <= now);
            login.ask_at = Some(now.plus(LATER));
            is_due
        });
        let claimed = match claimed.await {
            Ok(Some(claimed)) => claimed,
            // Another one asks, or it has ended.
            Ok(None) => return self.as_stored(&login).await,
            Err(_) => return Some(login),
        };
        match self.question(&claimed, now).await {
            Ok(login) => login,
            Err(err) => {
                // It holds as long as nobody says that it does not, and no longer than it would anyway.
                tracing::warn!(
                    error = format!("{err:#}"),
                    "whether a login still holds is not known"
                );
                Some(claimed)
            }
        }
    }

    async fn as_stored(&self, login: &Login) -> Option<Login> {
        match self.logins.all_of(std::slice::from_ref(&login.key)).await {
            Ok(found) => found.into_iter().next(),
            Err(_) => Some(login.clone()),
        }
    }

    async fn question(&self, login: &Login, now: Timestamp) -> anyhow::Result<Option<Login>> {
        let Some(known) = self.server.known() else { return Ok(Some(login.clone())) };
        let Some(tokens) = self.logins.tokens(&login.key, now).await? else {
            return Ok(Some(login.clone()));
        };
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
        let grant = match self.client.ask(&self.server, &known, &form).await {
            Ok(grant) => grant,
            Err(err) => {
                let declined = err.downcast_ref::<Declined>().and_then(|it| it.error.as_deref());
                if declined != Some("invalid_grant") {
                    return Err(err);
                }
                self.logins.end(&login.key).await?;
                tracing::info!(
                    actor.name = login.name,
                    "the login server ended the login of {}",
                    login.name
                );
                return Ok(None);
            }
        };
        if let Some(newer) = grant.tokens() {
            self.logins.keep(login, &newer).await?;
        }
        let known = self.with_key_of(known, &grant).await;
        let roles = self.client.again(&grant, &known, &login.subject, self.clock.now())?;
        let next = self.clock.now().plus(grant.ask_in());
        Ok(self
            .logins
            .change(&login.key, |login| {
                login.ask_at = Some(next);
                if let Some(roles) = &roles {
                    login.roles.clone_from(roles);
                }
                true
            })
            .await?)
    }

    /// Returns what is known of the login server, looked up again if a token of the grant names a newer key.
    pub(super) async fn with_key_of(&self, known: Arc<Known>, grant: &Grant) -> Arc<Known> {
        let is_new = |keys: &Keys| grant.names_other_key_than(keys);
        if is_new(&known.keys)
            && let Some(newer) = self.server.newer(&known).await
        {
            return newer;
        }
        known
    }
}
