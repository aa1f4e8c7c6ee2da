//! Logins in the store: any process serves any of them, and none is trusted longer than it is there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{Role, Timestamp};
use ccm_ports::{Filter, Login, Query, SecretStore, Shared, StoreError, Writer};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How long a login lasts when nobody asks for more.
pub(super) const USUAL: Duration = Duration::from_secs(8 * 3600);
/// How long it lasts at most.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A write that others are always faster than is given up.
const MOST_TRIES: usize = 4;

/// Where logins are kept.
#[derive(Clone)]
pub(super) struct Logins {
    logins: Shared<Login>,
    secrets: Arc<dyn SecretStore>,
}

/// Who logged in.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) sid: Option<String>,
    pub(super) name: String,
    pub(super) roles: BTreeSet<Role>,
}

/// What we were given to ask with later. Encrypted wherever it is kept; no browser ever sees it.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) refresh: String,
}

impl Logins {
    pub(super) fn new(logins: Shared<Login>, secrets: Arc<dyn SecretStore>) -> Self {
        Self { logins, secrets }
    }

    /// Notes a login and returns it with the cookie that leads to it.
    ///
    /// Where the store has no key for secrets, tokens are not kept, so that nobody is asked again.
    pub(super) async fn begin(
        &self,
        person: Person,
        tokens: Option<&Tokens>,
        ask_in: Duration,
        now: Timestamp,
    ) -> Result<(String, Login), Failed> {
        let cookie = super::secret().ok_or(Failed::Chance)?;
        let Person { subject, sid, name, roles } = person;
        let mut login = Login {
            key: key_of(&cookie),
            rev: 1,
            subject,
            sid,
            name,
            roles,
            began_at: now,
            ends_at: now.plus(USUAL),
            ask_at: None,
        };
        if let Some(tokens) = tokens {
            match self.keep(&login, tokens).await {
                Ok(()) => login.ask_at = Some(now.plus(ask_in)),
                Err(err) => {
                    tracing::warn!(
                        error = &err as &dyn std::error::Error,
                        "a refresh token is not kept"
                    );
                }
            }
        }
        self.logins.insert(&login, &[], Writer::Intent).await?;
        Ok((cookie, login))
    }

    /// Returns the login of a cookie, unless it has ended.
    pub(super) async fn find(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<Login>, StoreError> {
        if cookie.len() != super::SECRET_LETTERS {
            return Ok(None);
        }
        let found = self.logins.find(&key_of(cookie)).await?;
        Ok(found.filter(|login| now < login.ends_at))
    }

    /// Returns those of the keys that are there, ended or not.
    pub(super) async fn all_of(&self, keys: &[String]) -> Result<Vec<Login>, StoreError> {
        let query = Query::default().and(Filter::In("login", keys.to_vec()));
        Ok(self.logins.list(&query).await?.items)
    }

    /// Changes a login as it is now; `None` when it is gone or the change says so.
    pub(super) async fn change(
        &self,
        key: &str,
        change: impl Fn(&mut Login) -> bool + Send + Sync,
    ) -> Result<Option<Login>, StoreError> {
        for _ in 0..MOST_TRIES {
            let Some(mut login) = self.logins.find(key).await? else { return Ok(None) };
            if !change(&mut login) {
                return Ok(None);
            }
            login.rev += 1;
            match self.logins.put(&login, &[], Writer::Intent).await {
                Ok(()) => return Ok(Some(login)),
                Err(StoreError::Conflict) => {}
                Err(StoreError::NotFound(_)) => return Ok(None),
                Err(
                    err @ (StoreError::Taken(_)
                    | StoreError::Stale
                    | StoreError::Corrupt(_)
                    | StoreError::Unavailable(_)),
                ) => return Err(err),
            }
        }
        Err(StoreError::Conflict)
    }

    /// Ends a login; harmless when repeated.
    pub(super) async fn end(&self, key: &str) -> Result<(), StoreError> {
        for _ in 0..MOST_TRIES {
            let Some(login) = self.logins.find(key).await? else { break };
            match self.logins.remove(key, login.rev, Writer::Intent).await {
                Err(StoreError::Conflict) => {}
                Ok(()) | Err(StoreError::NotFound(_)) => break,
                Err(
                    err @ (StoreError::Taken(_)
                    | StoreError::Stale
                    | StoreError::Corrupt(_)
                    | StoreError::Unavailable(_)),
                ) => return Err(err),
            }
        }
        self.secrets.drop_secret(&secret_of(key)).await
    }

    /// Ends all logins of a person, or of one session of theirs, that began before; returns how many.
    pub(super) async fn end_all(
        &self,
        subject: Option<&str>,
        sid: Option<&str>,
        before: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut query = Query::default();
        if let Some(sid) = sid {
            query = query.is("sid", sid);
        }
        if let Some(subject) = subject {
            query = query.is("subject", subject);
        }
        let mut ended = 0;
        loop {
            let page = self.logins.list(&query).await?;
            for login in page.items.iter().filter(|login| login.began_at <= before) {
                self.end(&login.key).await?;
                ended += 1;
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(ended),
            }
        }
    }

    /// Keeps tokens for as long as the login may last.
    pub(super) async fn keep(&self, login: &Login, tokens: &Tokens) -> Result<(), StoreError> {
        let text = serde_json::to_string(tokens).unwrap_or_default();
        let until = login.began_at.plus(LONGEST);
        self.secrets.keep(&secret_of(&login.key), &SecretString::from(text), until).await
    }

    /// Returns the tokens of a login.
    pub(super) async fn tokens(
        &self,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Tokens>, StoreError> {
        let found = self.secrets.reveal(&secret_of(key), now).await?;
        Ok(found.and_then(|text| serde_json::from_str(text.expose_secret()).ok()))
    }
}

/// A login could not be noted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("there is no randomness")]
    Chance,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who reads the store must not be able to log in with what is there.
fn key_of(cookie: &str) -> String {
    let hash = Sha256::digest(format!("ccm session\n{cookie}"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret_of(key: &str) -> String {
    format!("login/{key}")
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}
