//! The login server as this process knows it: where its doors are, and its keys.
//!
//! It may be away: the process then serves whom it knows already and says `503` to the rest. What it knows is
//! looked up again from time to time, and at once when a token names a key that is new, but not more often than
//! [`ASK_AGAIN`]: anybody can make up keys.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use ccm_runtime::{Latch, Shell};
use rand::Rng as _;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::keys::{KeySet, Keys};

/// The longest that the login server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that it may say in one answer.
const LONGEST_ANSWER: usize = 256 << 10;
/// How often everything is looked up again, give or take a fifth.
const REFRESH: Duration = Duration::from_secs(600);
/// The shortest time between two looks for a key that a token names.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// The login server.
#[derive(Debug)]
pub(super) struct LoginServer {
    http: reqwest::Client,
    /// As configured.
    issuer: Url,
    known: RwLock<Option<Arc<Known>>>,
    /// When a key was asked for last; held while it is.
    asked: Mutex<Option<Instant>>,
    latch: Latch,
}

/// What is known of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) doors: Doors,
    pub(super) keys: Keys,
}

/// Its discovery document (OpenID Connect Discovery, 3), as far as we use it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Doors {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    jwks_uri: Url,
    pub(super) end_session_endpoint: Option<Url>,
    pub(super) revocation_endpoint: Option<Url>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// An answer that is no success.
#[derive(Debug, thiserror::Error)]
#[error("the login server answered {status}{}", error.as_deref().map(|it| format!(" {it}")).unwrap_or_default())]
pub(super) struct Declined {
    pub(super) status: StatusCode,
    /// Its word for the reason (RFC 6749, 5.2).
    pub(super) error: Option<String>,
}

impl LoginServer {
    /// Begins to look it up on the shell, for as long as the process runs.
    ///
    /// # Errors
    /// When there is no TLS here.
    pub(super) fn start(issuer: &Url, shell: &Shell) -> anyhow::Result<Arc<Self>> {
        let http = reqwest::Client::builder()
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            // A redirect would carry our password to somebody else.
            .redirect(Policy::none())
            // Asked so rarely that a connection kept for the next time would only be closed by then.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("ccm/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("set up TLS for the login server")?;
        let server = Arc::new(Self {
            http,
            issuer: issuer.clone(),
            known: RwLock::new(None),
            asked: Mutex::new(None),
            latch: shell.ready.advisory("login"),
        });
        let looking = Arc::clone(&server);
        shell.tasks.spawn_best_effort("login-server", move || Arc::clone(&looking).look());
        Ok(server)
    }

    /// Returns what is known; `None` as long as it was never reached.
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns newer keys than `seen`, if the login server has such and may be asked now.
    pub(super) async fn newer(&self, seen: &Arc<Known>) -> Option<Arc<Known>> {
        let mut asked = self.asked.lock().await;
        let known = self.known()?;
        if !Arc::ptr_eq(&known, seen) {
            return Some(known);
        }
        if asked.is_some_and(|at| at.elapsed() < ASK_AGAIN) {
            return None;
        }
        *asked = Some(Instant::now());
        match self.keys(&known.doors).await {
            Ok(keys) => {
                tracing::info!("looked up the login server's keys again for one that is new here");
                Some(self.note(Known { doors: known.doors.clone(), keys }))
            }
            Err(err) => {
                tracing::warn!(
                    error = format!("{err:#}"),
                    "the login server's keys are out of reach"
                );
                None
            }
        }
    }

    /// Sends a form to one of its doors and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        request: impl FnOnce(&reqwest::Client) -> RequestBuilder + Send,
    ) -> anyhow::Result<T> {
        read(request(&self.http).send().await.map_err(reqwest::Error::without_url)?).await
    }

    /// Sends a form to one of its doors; what it answers does not matter.
    pub(super) async fn tell(
        &self,
        request: impl FnOnce(&reqwest::Client) -> RequestBuilder + Send,
    ) -> anyhow::Result<()> {
        let answer = request(&self.http).send().await.map_err(reqwest::Error::without_url)?;
        ensure!(answer.status().is_success(), "the login server answered {}", answer.status());
        Ok(())
    }

    async fn look(self: Arc<Self>) -> anyhow::Result<()> {
        loop {
            match self.learn().await {
                Ok(()) => self.latch.open(),
                Err(err) => {
                    self.latch.close(match self.known() {
                        None => "the login server was not reached yet: nobody new can log in",
                        Some(_) => "the login server is out of reach: its last keys are used",
                    });
                    return Err(err.context("look up the login server"));
                }
            }
            let pause = REFRESH.mul_f64(rand::rng().random_range(0.8..1.2));
            tokio::time::sleep(pause).await;
        }
    }

    async fn learn(&self) -> anyhow::Result<()> {
        let path = format!("{}/.well-known/openid-configuration", bare(self.issuer.as_str()));
        let doors: Doors = self.get(path.parse().context("auth.oidc.issuer")?).await?;
        self.must_be_of_the_issuer(&doors)?;
        let keys = self.keys(&doors).await?;
        self.note(Known { doors, keys });
        Ok(())
    }

    /// A document that names another issuer is of somebody else (OpenID Connect Discovery, 4.3).
    fn must_be_of_the_issuer(&self, doors: &Doors) -> anyhow::Result<()> {
        ensure!(
            bare(&doors.issuer) == bare(self.issuer.as_str()),
            "the login server calls itself {:?}, auth.oidc.issuer is {:?}",
            doors.issuer,
            self.issuer.as_str()
        );
        let all = [&doors.authorization_endpoint, &doors.token_endpoint, &doors.jwks_uri];
        let more = [&doors.end_session_endpoint, &doors.revocation_endpoint];
        for door in all.into_iter().chain(more.into_iter().flatten()) {
            let as_safe = door.scheme() == "https" || door.scheme() == self.issuer.scheme();
            ensure!(as_safe, "the login server sends us to {door}, which is not encrypted");
        }
        Ok(())
    }

    async fn keys(&self, doors: &Doors) -> anyhow::Result<Keys> {
        let keys: Keys = self.get::<KeySet>(doors.jwks_uri.clone()).await?.into();
        ensure!(!keys.is_empty(), "the login server shows no key that tokens could be signed with");
        Ok(keys)
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> anyhow::Result<T> {
        let answer = self.http.get(url.clone()).header("accept", "application/json").send().await;
        let answer = answer.map_err(reqwest::Error::without_url);
        read(answer.with_context(|| format!("ask {url}"))?).await.with_context(|| format!("{url}"))
    }

    fn note(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        known
    }
}

/// Issuers are compared by the letter; only whether one ends in a slash is not known after it was read as a URL.
fn bare(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

/// Reads JSON, as much as is decent. What cannot be read is not quoted: it may hold tokens.
async fn read<T: DeserializeOwned>(mut answer: Response) -> anyhow::Result<T> {
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        ensure!(body.len() + part.len() <= LONGEST_ANSWER, "the login server says too much");
        body.extend_from_slice(&part);
    }
    if !status.is_success() {
        #[derive(Deserialize)]
        struct Word {
            error: String,
        }
        let error = serde_json::from_slice::<Word>(&body).ok().map(|word| word.error);
        let plain = |word: &String| word.len() <= 64 && word.bytes().all(|b| b.is_ascii_graphic());
        return Err(Declined { status, error: error.filter(plain) }.into());
    }
    serde_json::from_slice(&body).map_err(|err| {
        let kind = err.classify();
        anyhow::anyhow!("the login server's answer cannot be read ({kind:?} error)")
    })
}
