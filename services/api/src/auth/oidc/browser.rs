//! Logins of browsers: from the first click to the cookie, and what becomes of it afterwards.

use std::sync::Arc;

use ccm_domain::{Actor, ActorKind};
use ccm_ports::Login;
use http::{HeaderMap, HeaderValue, Request, header};
use serde::Deserialize;

use super::attempt::{self, Attempt};
use super::logins::{Failed, LONGEST, USUAL};
use super::server::Declined;
use super::{Oidc, unavailable};
use crate::auth::cookies::{ATTEMPT, SESSION, Site};
use crate::auth::{Known, Steps};
use crate::problem::Problem;

/// How a browser comes back from the login server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Return {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    /// Who sends it back (RFC 9207).
    iss: Option<String>,
}

impl Oidc {
    /// Returns where the browser is, as configured or as it says.
    pub(super) fn site(&self, headers: &HeaderMap) -> Result<Site, Problem> {
        let named = || Site::named(headers);
        let odd = || Problem::field("invalid_header", "header/Host", "must be our host name");
        self.site.clone().or_else(named).ok_or_else(odd)
    }

    /// Sends a browser to the login server.
    ///
    /// # Errors
    /// `login_unavailable` while that was never reached.
    pub(crate) fn begin(
        &self,
        headers: &HeaderMap,
        return_to: Option<&str>,
    ) -> Result<Steps, Problem> {
        let site = self.site(headers)?;
        let known = self.server.known().ok_or_else(unavailable)?;
        let attempt = Attempt::begin(return_to, self.clock.now())
            .ok_or_else(|| Problem::internal(&Failed::Chance))?;
        let mut url = known.doors.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", &site.at("/auth/callback"))
            .append_pair("scope", "openid profile")
            .append_pair("state", &attempt.state())
            .append_pair("nonce", &attempt.nonce())
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        let cookie = ATTEMPT.set(&site, &attempt.cookie(), attempt::LONGEST.as_secs());
        Ok(Steps { to: url.into(), cookies: cookie.into_iter().collect() })
    }

    /// Lets a browser in that comes back from the login server; always under a new cookie.
    ///
    /// # Errors
    /// `login_failed` when anything does not fit.
    pub(crate) async fn end(&self, headers: &HeaderMap, back: Return) -> Result<Steps, Problem> {
        let site = self.site(headers)?;
        let now = self.clock.now();
        let cookie = ATTEMPT.read(&site, headers);
        let attempt = cookie.and_then(|cookie| Attempt::read(cookie, now)).ok_or_else(|| {
            failed("it was not begun in this browser, or it took longer than ten minutes")
        })?;
        if !attempt.is_of(back.state.as_deref().unwrap_or_default()) {
            return Err(failed("the answer is of another login than the last one begun here"));
        }
        let login = self.exchanged(&site, &attempt, back).await?;
        if let Some(old) = SESSION.read(&site, headers) {
            self.drop_quietly(old).await;
        }
        let (value, login) = login;
        let kept = LONGEST.as_secs();
        let cookies = [SESSION.set(&site, &value, kept), ATTEMPT.clear(&site)];
        tracing::info!(actor.name = login.name, "{} logged in", login.name);
        Ok(Steps { to: attempt.return_to, cookies: cookies.into_iter().flatten().collect() })
    }

    async fn exchanged(
        &self,
        site: &Site,
        attempt: &Attempt,
        back: Return,
    ) -> Result<(String, Login), Problem> {
        let known = self.server.known().ok_or_else(unavailable)?;
        let must_say = known.doors.authorization_response_iss_parameter_supported;
        if back.iss.as_deref().map_or(must_say, |iss| iss != known.doors.issuer) {
            return Err(failed("the answer is of another login server"));
        }
        if let Some(error) = back.error {
            tracing::info!(error, "the login server let nobody in");
            return Err(failed("the login server did not let you in"));
        }
        let code = back.code.ok_or_else(|| failed("the login server sent no code"))?;
        let (to, verifier) = (site.at("/auth/callback"), attempt.verifier());
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", to.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let grant = self.client.ask(&self.server, &known, &form).await.map_err(|err| {
            tracing::warn!(error = format!("{err:#}"), "a code could not be exchanged");
            match err.downcast_ref::<Declined>() {
                Some(declined) if declined.status.is_client_error() => {
                    failed("the login server did not accept the code")
                }
                Some(_) | None => unreachable(),
            }
        })?;
        // A key may have been changed a moment ago; this token names it.
        let (known, now) = (self.with_key_of(known, &grant).await, self.clock.now());
        let person = self.client.person(&grant, &known, &attempt.nonce(), now).map_err(|err| {
            tracing::warn!(error = format!("{err:#}"), "a login was refused");
            failed("the login server's tokens do not prove who you are; the log says why")
        })?;
        let begun = self.logins.begin(person, grant.tokens().as_ref(), grant.ask_in(), now).await;
        begun.map_err(|err| match err {
            Failed::Store(err) => Problem::from(err),
            Failed::Chance => Problem::internal(&err),
        })
    }

    /// Returns who asks by their cookie; `None` without one that leads to a login.
    pub(super) async fn of_cookie(
        self: &Arc<Self>,
        headers: &HeaderMap,
    ) -> Result<Option<Known>, Problem> {
        let site = self.site(headers)?;
        let Some(cookie) = SESSION.read(&site, headers) else { return Ok(None) };
        let now = self.clock.now();
        let Some(login) = self.logins.find(cookie, now).await? else { return Ok(None) };
        let login = if login.ask_at.is_some_and(|at| at <= now) {
            self.still_there(login).await
        } else {
            Some(login)
        };
        Ok(login.map(known))
    }

    /// Moves the end of a login, but not for ever.
    ///
    /// # Errors
    /// `unauthenticated` when it has ended meanwhile.
    pub(in crate::auth) async fn stay(&self, login: &Login) -> Result<Known, Problem> {
        let now = self.clock.now();
        let longer = self.logins.change(&login.key, |login| {
            login.ends_at = now.plus(USUAL).min(login.began_at.plus(LONGEST)).max(login.ends_at);
            true
        });
        let gone = || Problem::new("unauthenticated", "the session has ended");
        longer.await?.map(known).ok_or_else(gone)
    }

    /// Ends the login of a browser, here and, as far as that can be, at the login server. Returns where a browser
    /// goes to end its session there too.
    ///
    /// # Errors
    /// When the store fails: the login may still hold.
    pub(crate) async fn leave(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Option<String>, Vec<HeaderValue>), Problem> {
        let site = self.site(headers)?;
        let cookies = [SESSION.clear(&site), ATTEMPT.clear(&site)].into_iter().flatten().collect();
        let Some(cookie) = SESSION.read(&site, headers) else { return Ok((None, cookies)) };
        let now = self.clock.now();
        let Some(login) = self.logins.find(cookie, now).await? else { return Ok((None, cookies)) };
        let tokens = self.logins.tokens(&login.key, now).await.ok().flatten();
        self.logins.end(&login.key).await?;
        tracing::info!(actor.name = login.name, "{} logged out", login.name);
        let Some(known) = self.server.known() else { return Ok((None, cookies)) };
        if let Some(tokens) = tokens
            && let Err(err) = self.client.give_back(&self.server, &known, &tokens).await
        {
            tracing::warn!(error = format!("{err:#}"), "a refresh token could not be given back");
        }
        let door = known.doors.end_session_endpoint.clone().map(|mut door| {
            // Without a hint of who it was: an address is no place for a token. The login server may ask.
            door.query_pairs_mut()
                .append_pair("client_id", &self.client.id)
                .append_pair("post_logout_redirect_uri", &site.at("/"));
            door.into()
        });
        Ok((door, cookies))
    }

    /// Whether an unsafe request with a cookie comes from a page of ours.
    pub(in crate::auth) fn is_ours<B>(&self, request: &Request<B>) -> bool {
        let headers = request.headers();
        // No page can make a browser send a token that it does not have.
        if headers.contains_key(header::AUTHORIZATION) || !headers.contains_key(header::COOKIE) {
            return true;
        }
        let Ok(site) = self.site(headers) else { return false };
        if SESSION.read(&site, headers).is_none() {
            return true;
        }
        // The browser's own word is better than a comparison of names, which proxies change.
        match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            Some(said) => said == b"same-origin" || said == b"none",
            None => headers.get(header::ORIGIN).is_some_and(|origin| site.is_origin(origin)),
        }
    }

    async fn drop_quietly(&self, cookie: &str) {
        let now = self.clock.now();
        let found = self.logins.find(cookie, now).await;
        if let Ok(Some(old)) = found
            && let Err(err) = self.logins.end(&old.key).await
        {
            let err: &dyn std::error::Error = &err;
            tracing::warn!(error = err, "an older login of the same browser could not be ended");
        }
    }
}

fn known(login: Login) -> Known {
    let actor = Actor::new(ActorKind::Person, login.name.clone(), login.roles.iter().copied());
    Known { actor, until: Some(login.ends_at), login: Some(Arc::new(login)) }
}

fn failed(why: &str) -> Problem {
    Problem::new("login_failed", why)
}

fn unreachable() -> Problem {
    Problem::new("login_unavailable", "the login server does not answer as it should")
        .retry_after(super::SOON)
}
