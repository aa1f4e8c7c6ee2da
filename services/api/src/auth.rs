//! From a request to who asks.
//!
//! With `oidc` a login server says who it is. With `dev` the caller chooses a role: that is refused unless the
//! public port is on loopback, and every request must name a loopback host.

mod cookies;
mod dev;
mod oidc;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use ccm_config::section::{AuthMode, AuthSection};
use ccm_domain::{Actor, Timestamp};
use ccm_ports::{Login, SharedClock, Stores};
use ccm_runtime::Shell;
use http::{HeaderMap, HeaderValue, Method, Request};

use self::oidc::Oidc;
pub(crate) use self::oidc::{Return, Verdict};
use crate::problem::Problem;

/// How callers are known. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    /// The caller chooses a role.
    Dev,
    /// A login server says who it is.
    Oidc(Arc<Oidc>),
}

/// Who asks, and for how long that is known.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Who, with the roles of this moment.
    pub(crate) actor: Actor,
    /// When the token or the login ends.
    pub(crate) until: Option<Timestamp>,
    /// What the cookie of a browser leads to.
    pub(crate) login: Option<Arc<Login>>,
}

/// Where a browser goes next, and what it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    pub(crate) to: String,
    pub(crate) cookies: Vec<HeaderValue>,
}

/// Says whether callers can be known in the way that the configuration asks for, on a port at `listener`.
///
/// # Errors
/// When something is missing, or it would be open to the network.
pub fn check(section: &AuthSection, listener: SocketAddr) -> anyhow::Result<()> {
    match section.mode {
        AuthMode::Oidc => oidc::check(section.oidc.as_ref()).map(|_| ()),
        AuthMode::Dev => {
            ensure!(
                listener.ip().to_canonical().is_loopback(),
                "auth.mode = \"dev\" lets anybody be an administrator and is refused on {listener}; \
                 let http.listen be a loopback address such as 127.0.0.1:8080, or set auth.mode = \"oidc\""
            );
            Ok(())
        }
    }
}

/// Returns what somebody should know who uses this section.
#[must_use]
pub fn warnings(section: &AuthSection) -> Vec<String> {
    let oidc = section.oidc.as_ref().filter(|_| section.mode == AuthMode::Oidc);
    oidc.map(oidc::warnings).unwrap_or_default()
}

impl Auth {
    /// Returns the way that the configuration asks for, for a port that is bound to `listener`.
    ///
    /// # Errors
    /// As [`check`].
    pub(crate) fn start(
        section: &AuthSection,
        listener: SocketAddr,
        stores: &Stores,
        clock: SharedClock,
        shell: &Shell,
    ) -> anyhow::Result<Self> {
        check(section, listener)?;
        match section.mode {
            AuthMode::Dev => Ok(Self::Dev),
            AuthMode::Oidc => {
                Ok(Self::Oidc(Oidc::start(section.oidc.as_ref(), stores, clock, shell)?))
            }
        }
    }

    /// Returns the word of the configuration.
    pub(crate) const fn mode(&self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Oidc(_) => "oidc",
        }
    }

    /// Returns who asks.
    ///
    /// # Errors
    /// `unauthenticated` when nobody can tell.
    pub(crate) async fn known(&self, headers: &HeaderMap) -> Result<Known, Problem> {
        match self {
            Self::Dev => dev::actor_of(headers).map(Known::for_ever),
            Self::Oidc(oidc) => oidc.known(headers).await,
        }
    }

    /// Refuses requests that a foreign page makes with the rights of who looks at it.
    ///
    /// # Errors
    /// `foreign_host` or `foreign_origin`.
    pub(crate) fn must_be_ours<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        match self {
            Self::Dev => dev::must_be_ours(request),
            Self::Oidc(oidc) => {
                let is_safe =
                    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
                if is_safe || oidc.is_ours(request) {
                    return Ok(());
                }
                let detail =
                    "with a cookie, what changes something must come from one of our own pages";
                Err(Problem::new("foreign_origin", detail))
            }
        }
    }

    /// Returns the login server.
    ///
    /// # Errors
    /// `login_off` in dev mode, which has none.
    pub(crate) fn login(&self) -> Result<&Arc<Oidc>, Problem> {
        match self {
            Self::Dev => Err(Problem::new("login_off", "in dev mode the caller chooses a role")),
            Self::Oidc(oidc) => Ok(oidc),
        }
    }

    /// Moves the end of a login; what has another end keeps it.
    ///
    /// # Errors
    /// `unauthenticated` when the login has ended meanwhile.
    pub(crate) async fn stay(&self, known: Known) -> Result<Known, Problem> {
        match (self, &known.login) {
            (Self::Oidc(oidc), Some(login)) => oidc.stay(login).await,
            (Self::Oidc(_), None) | (Self::Dev, _) => Ok(known),
        }
    }

    /// Returns what ends the streams of a caller before their time.
    pub(crate) fn verdict(&self, known: &Known) -> Option<Verdict> {
        match (self, &known.login) {
            (Self::Oidc(oidc), Some(login)) => Some(oidc.verdict(login)),
            (Self::Oidc(_), None) | (Self::Dev, _) => None,
        }
    }
}

impl Known {
    /// Somebody whose right to be here does not end.
    pub(crate) const fn for_ever(actor: Actor) -> Self {
        Self { actor, until: None, login: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_mode_is_refused_off_loopback() {
        for (address, fits) in [
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("127.8.8.8:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:8080", false),
            ("[::]:8080", false),
            ("10.0.0.1:8080", false),
        ] {
            let checked = check(&AuthSection::for_testing(), address.parse().unwrap());
            assert_eq!(checked.is_ok(), fits, "{address}");
        }
    }

    #[test]
    fn oidc_without_a_login_server_is_refused_with_what_to_do() {
        let section = AuthSection { mode: AuthMode::Oidc, oidc: None };

        let err = check(&section, "127.0.0.1:1".parse().unwrap()).unwrap_err();

        assert!(err.to_string().contains("auth.oidc.issuer"), "{err}");
    }
}
