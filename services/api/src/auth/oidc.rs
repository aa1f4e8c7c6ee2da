//! OpenID Connect: a login server says who somebody is, and proves it with its signature.

mod ask;
mod attempt;
mod browser;
mod exchange;
mod keys;
mod logins;
mod logout;
mod roles;
mod server;
mod token;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_config::section::OidcSection;
use ccm_ports::{Login, SharedClock, Stores};
use ccm_runtime::{Shell, Tasks};
use http::{HeaderMap, header};
use url::Url;

use self::exchange::Client;
use self::logins::Logins;
use self::roles::RolesClaim;
use self::server::LoginServer;
use self::token::{Claims, Expected, Purpose, Refused};
use self::watch::Watch;
use super::Known;
use super::cookies::Site;
use crate::problem::Problem;

pub(crate) use self::browser::Return;
pub(crate) use self::watch::Verdict;

/// Letters of a secret: 32 bytes.
const SECRET_LETTERS: usize = 43;

/// When to try again while the login server was never reached.
const SOON: Duration = Duration::from_secs(3);

/// Callers are known by tokens of the login server, or by a cookie that they got for one.
#[derive(Debug)]
pub(crate) struct Oidc {
    server: Arc<LoginServer>,
    clock: SharedClock,
    /// What bearer tokens must be for.
    audience: String,
    client: Client,
    /// Where browsers reach us; as they say unless it is set.
    site: Option<Site>,
    logins: Logins,
    watch: Watch,
    tasks: Tasks,
}

/// Says whether the section can be used.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(section: Option<&OidcSection>) -> anyhow::Result<&OidcSection> {
    let section =
        section.context("auth.mode = \"oidc\" needs auth.oidc.issuer and what follows")?;
    let issuer = &section.issuer;
    let is_web = matches!(issuer.scheme(), "https" | "http") && issuer.has_host();
    let is_bare = issuer.query().is_none() && issuer.fragment().is_none();
    let nobody = issuer.username().is_empty() && issuer.password().is_none();
    ensure!(is_web && is_bare && nobody, "auth.oidc.issuer must be a plain https:// address");
    ensure!(!section.client_id.is_empty(), "auth.oidc.client_id must not be empty");
    ensure!(section.audience.as_deref() != Some(""), "auth.oidc.audience must not be empty");
    section.public_url.as_ref().map(Site::configured).transpose()?;
    ensure!(section.roles_claim.as_deref() != Some(""), "auth.oidc.roles_claim must not be empty");
    Ok(section)
}

/// Returns what somebody should know who uses this section.
pub(super) fn warnings(section: &OidcSection) -> Vec<String> {
    let issuer = &section.issuer;
    if issuer.scheme() == "https" || is_local(issuer) {
        return Vec::new();
    }
    vec![format!(
        "auth.oidc.issuer is {issuer}: whoever is between us and the login server can be anybody; use https"
    )]
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl Oidc {
    /// Begins to look up the login server; does not wait for it.
    ///
    /// # Errors
    /// When the section cannot be used.
    pub(super) fn start(
        section: Option<&OidcSection>,
        stores: &Stores,
        clock: SharedClock,
        shell: &Shell,
    ) -> anyhow::Result<Arc<Self>> {
        let section = check(section)?;
        let oidc = Arc::new(Self {
            server: LoginServer::start(&section.issuer, shell)?,
            clock,
            audience: section.audience.clone().unwrap_or_else(|| section.client_id.clone()),
            client: Client {
                id: section.client_id.clone(),
                secret: section.client_secret.clone(),
                roles: RolesClaim::new(section.roles_claim.clone()),
            },
            site: section.public_url.as_ref().map(Site::configured).transpose()?,
            logins: Logins::new(Arc::clone(&stores.logins), Arc::clone(&stores.secrets)),
            watch: Watch::default(),
            tasks: shell.tasks.clone(),
        });
        let (watching, stop) = (Watch::run(Arc::clone(&oidc)), shell.stopping());
        shell.tasks.spawn("login-watch", async move {
            stop.run_until_cancelled(watching).await;
        });
        Ok(oidc)
    }

    /// Returns who asks.
    ///
    /// # Errors
    /// `unauthenticated`, or `login_unavailable` while nobody's token can be checked.
    pub(in crate::auth) async fn known(
        self: &Arc<Self>,
        headers: &HeaderMap,
    ) -> Result<Known, Problem> {
        match bearer(headers)? {
            Some(token) => self.of_bearer(token).await,
            None => self
                .of_cookie(headers)
                .await?
                .ok_or_else(|| Problem::new("unauthenticated", "log in, or send a bearer token")),
        }
    }

    /// Returns what ends the streams of a login.
    pub(super) fn verdict(&self, login: &Login) -> Verdict {
        self.watch.over(login)
    }

    async fn of_bearer(&self, token: &str) -> Result<Known, Problem> {
        let audience = Some(self.audience.as_str());
        let claims = self.checked(token, Purpose::Access, audience).await?.map_err(|refused| {
            Problem::field(
                "unauthenticated",
                "header/Authorization",
                format!("the token {refused}"),
            )
        })?;
        let actor = claims.actor(self.client.roles.read(&claims.0));
        Ok(Known { actor, until: claims.moment("exp"), login: None })
    }

    /// Checks a token with the keys that are known, and once more when it names a newer one.
    ///
    /// # Errors
    /// `login_unavailable` while there are no keys at all.
    async fn checked(
        &self,
        token: &str,
        purpose: Purpose,
        audience: Option<&str>,
    ) -> Result<Result<Claims, Refused>, Problem> {
        let known = self.server.known().ok_or_else(unavailable)?;
        let now = self.clock.now();
        let judge = |known: &server::Known| {
            let issuer = &known.doors.issuer;
            token::check(token, &known.keys, &Expected { purpose, issuer, audience, now })
        };
        let first = judge(&known);
        if first.as_ref().is_err_and(|refused| *refused == Refused::UnknownKey)
            && let Some(newer) = self.server.newer(&known).await
        {
            return Ok(judge(&newer));
        }
        Ok(first)
    }
}

/// Returns what nobody can guess; `None` when the machine has no randomness.
fn secret() -> Option<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn unavailable() -> Problem {
    let detail = "the login server was not reached yet, so nobody's token can be checked";
    Problem::new("login_unavailable", detail).retry_after(SOON)
}

/// Returns the bearer token of a request (RFC 6750, 2.1), if it has one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let odd = |detail| Problem::field("unauthenticated", "header/Authorization", detail);
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(odd("must be there once"));
    }
    let text = first.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) | None => "",
    };
    if token.is_empty() { Err(odd("must be Bearer and a token")) } else { Ok(Some(token)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, line.parse().unwrap());
        }
        bearer(&headers).map(|token| token.map(str::to_owned)).map_err(|problem| problem.code())
    }

    #[test]
    fn a_bearer_token_is_read_and_everything_else_is_refused() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer a.b.c"]), Ok(Some("a.b.c".to_owned())));
        assert_eq!(read(&["bearer  a.b.c "]), Ok(Some("a.b.c".to_owned())));
        for odd in
            [&["Basic YTpi"][..], &["Bearer"], &["Bearer "], &["a.b.c"], &["Bearer a", "Bearer a"]]
        {
            assert_eq!(read(odd), Err("unauthenticated"), "{odd:?}");
        }
    }

    #[test]
    fn an_issuer_is_a_plain_address() {
        let section = |issuer: &str| OidcSection {
            issuer: issuer.parse().unwrap(),
            client_id: "ccm".to_owned(),
            client_secret: "x".into(),
            audience: None,
            roles_claim: None,
            public_url: None,
        };
        for (issuer, fits, warned) in [
            ("https://login.example.com/realms/ccm", true, false),
            ("http://localhost:8081/realms/ccm", true, false),
            ("http://127.0.0.1:1", true, false),
            ("http://keycloak:8080/realms/ccm", true, true),
            ("https://login.example.com/?a=b", false, false),
            ("https://ann:pw@login.example.com/", false, false),
            ("ftp://login.example.com/", false, false),
            ("mailto:login@example.com", false, false),
        ] {
            let section = section(issuer);
            assert_eq!(check(Some(&section)).is_ok(), fits, "{issuer}");
            assert!(!fits || warnings(&section).is_empty() != warned, "{issuer}");
        }
        assert!(check(None).is_err());
    }
}
