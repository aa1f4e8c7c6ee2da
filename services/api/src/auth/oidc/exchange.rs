//! What the login server gives for a code, or for a refresh token; and whom it says that it is about.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_config::Secret;
use ccm_domain::{Role, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::form_urlencoded::byte_serialize;

use super::keys::Keys;
use super::logins::{Person, Tokens};
use super::roles::RolesClaim;
use super::server::{Known, LoginServer};
use super::token::{self, Claims, Expected, Purpose};

/// Between two questions whether a login still holds, whatever the login server says of its tokens.
const SOONEST: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(300);

/// How we present ourselves to the login server.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) roles: RolesClaim,
}

/// The answer of the token endpoint (RFC 6749, 5.1; OpenID Connect Core, 3.1.3.3).
#[derive(Deserialize)]
pub(super) struct Grant {
    access_token: String,
    id_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

impl Client {
    /// Asks for tokens.
    pub(super) async fn ask(
        &self,
        server: &LoginServer,
        known: &Known,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Grant> {
        let (url, form) = (known.doors.token_endpoint.clone(), self.presented(known, form));
        server.post(|http| self.presenting(known, http.post(url).form(&form))).await
    }

    /// Gives a refresh token back, so that it is of no more use (RFC 7009).
    pub(super) async fn give_back(
        &self,
        server: &LoginServer,
        known: &Known,
        tokens: &Tokens,
    ) -> anyhow::Result<()> {
        let Some(url) = known.doors.revocation_endpoint.clone() else { return Ok(()) };
        let form = [("token", tokens.refresh.as_str()), ("token_type_hint", "refresh_token")];
        let form = self.presented(known, &form);
        server.tell(|http| self.presenting(known, http.post(url).form(&form))).await
    }

    /// Says who logged in, from tokens that the login server itself has just handed us for this nonce.
    ///
    /// # Errors
    /// When the ID token does not prove it.
    pub(super) fn person(
        &self,
        grant: &Grant,
        known: &Known,
        nonce: &str,
        now: Timestamp,
    ) -> anyhow::Result<Person> {
        let id = grant.id_token.as_deref().context("there is no ID token")?;
        let id = self.id_claims(id, known, now)?;
        ensure!(id.text("nonce") == Some(nonce), "the ID token is of another login");
        if let Some(hash) = id.text("at_hash") {
            ensure!(fits(hash, &grant.access_token), "the access token is not of this ID token");
        }
        let subject = id.text("sub").unwrap_or_default().to_owned();
        let access = grant.claims(known, now).filter(|c| c.text("sub") == id.text("sub"));
        let sid = id.text("sid").map(str::to_owned);
        let roles = self.of_either(access.as_ref(), &id);
        Ok(Person { subject, sid, name: id.name(), roles })
    }

    /// Says what somebody may do since the last question; `None` when the answer does not say.
    ///
    /// # Errors
    /// When the answer is about somebody else.
    pub(super) fn again(
        &self,
        grant: &Grant,
        known: &Known,
        subject: &str,
        now: Timestamp,
    ) -> anyhow::Result<Option<BTreeSet<Role>>> {
        let id = grant.id_token.as_deref().map(|id| self.id_claims(id, known, now)).transpose()?;
        let access = grant.claims(known, now);
        for claims in id.iter().chain(&access) {
            ensure!(
                claims.text("sub") == Some(subject),
                "the login server answers about somebody else"
            );
        }
        Ok(access
            .filter(|claims| self.roles.is_in(&claims.0))
            .or(id)
            .map(|claims| self.roles.read(&claims.0)))
    }

    /// Keycloak says roles in the access token alone; where that is not for us to read, the ID token says them.
    fn of_either(&self, access: Option<&Claims>, id: &Claims) -> BTreeSet<Role> {
        let claims = access.filter(|claims| self.roles.is_in(&claims.0)).unwrap_or(id);
        self.roles.read(&claims.0)
    }

    fn id_claims(&self, token: &str, known: &Known, now: Timestamp) -> anyhow::Result<Claims> {
        let expected = expected(known, Purpose::Id, Some(&self.id), now);
        let claims = token::check(token, &known.keys, &expected);
        let claims = claims.map_err(|refused| anyhow::anyhow!("the ID token {refused}"))?;
        // With several audiences it says for which of them it was made (OpenID Connect Core, 3.1.3.7).
        let party = claims.text("azp");
        ensure!(
            party.is_none_or(|party| party == self.id),
            "the ID token was made for another client"
        );
        Ok(claims)
    }

    /// Whether the password goes into the form: only where the login server takes it nowhere else.
    fn in_form(known: &Known) -> bool {
        let taken = &known.doors.token_endpoint_auth_methods_supported;
        let takes = |method: &str| taken.iter().any(|it| it == method);
        takes("client_secret_post") && !takes("client_secret_basic")
    }

    fn presented<'a>(
        &'a self,
        known: &Known,
        form: &[(&'a str, &'a str)],
    ) -> Vec<(&'a str, &'a str)> {
        let mut form = form.to_vec();
        if Self::in_form(known) {
            form.push(("client_id", &self.id));
            form.push(("client_secret", self.secret.expose()));
        }
        form
    }

    fn presenting(
        &self,
        known: &Known,
        request: reqwest::RequestBuilder,
    ) -> reqwest::RequestBuilder {
        if Self::in_form(known) {
            return request;
        }
        // Both are encoded as in a form before (RFC 6749, 2.3.1).
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        request.basic_auth(encoded(&self.id), Some(encoded(self.secret.expose())))
    }
}

const fn expected<'a>(
    known: &'a Known,
    purpose: Purpose,
    audience: Option<&'a str>,
    now: Timestamp,
) -> Expected<'a> {
    Expected { purpose, issuer: known.doors.issuer.as_str(), audience, now }
}

impl Grant {
    /// Returns what the access token says, if it is one that can be read here.
    fn claims(&self, known: &Known, now: Timestamp) -> Option<Claims> {
        let expected = expected(known, Purpose::Access, None, now);
        token::check(&self.access_token, &known.keys, &expected).ok()
    }

    /// Returns what to ask with later.
    pub(super) fn tokens(&self) -> Option<Tokens> {
        self.refresh_token.clone().map(|refresh| Tokens { refresh })
    }

    /// Whether a token of it is signed with a key that is not among these.
    pub(super) fn names_other_key_than(&self, keys: &Keys) -> bool {
        [Some(&self.access_token), self.id_token.as_ref()]
            .into_iter()
            .flatten()
            .any(|token| token::names_other_key_than(token, keys))
    }

    /// Returns in how long to ask again.
    pub(super) fn ask_in(&self) -> Duration {
        let lasts = self.expires_in.map_or(LATEST, Duration::from_secs);
        lasts.clamp(SOONEST, LATEST)
    }
}

/// Whether the left half of the hash is of this token (OpenID Connect Core, 3.1.3.6). Of longer hashes, which go
/// with other algorithms, nothing is known here, and the token came over the same connection.
fn fits(hash: &str, token: &str) -> bool {
    let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(token)[..16]);
    hash.len() != half.len() || hash == half
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}
