//! From a request to who asks.
//!
//! `dev` is the one mode of this build: the caller chooses a role. It is refused unless the public port is
//! on loopback, and every request must name a loopback host.

mod dev;

use std::net::SocketAddr;

use anyhow::ensure;
use ccm_config::section::AuthMode;
use ccm_domain::Actor;
use http::{HeaderMap, Request};

use crate::problem::Problem;

/// How callers are known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Auth {
    /// The caller chooses a role.
    Dev,
}

impl Auth {
    /// Returns the way that the configuration asks for, for a port that is bound to `listener`.
    ///
    /// # Errors
    /// When this build cannot do it, or it would be open to the network.
    pub(crate) fn new(mode: AuthMode, listener: SocketAddr) -> anyhow::Result<Self> {
        match mode {
            AuthMode::Oidc => anyhow::bail!(
                "auth.mode = \"oidc\": this build has no OpenID Connect; \
                 set auth.mode = \"dev\" and let http.listen be a loopback address"
            ),
            AuthMode::Dev => {
                ensure!(
                    listener.ip().to_canonical().is_loopback(),
                    "auth.mode = \"dev\" lets anybody be an administrator and is refused on {listener}; \
                     let http.listen be a loopback address such as 127.0.0.1:8080"
                );
                Ok(Self::Dev)
            }
        }
    }

    /// Returns the word of the configuration.
    pub(crate) const fn mode(self) -> &'static str {
        match self {
            Self::Dev => "dev",
        }
    }

    /// Returns who asks.
    ///
    /// # Errors
    /// `unauthenticated` when nobody can tell.
    pub(crate) fn actor_of(self, headers: &HeaderMap) -> Result<Actor, Problem> {
        match self {
            Self::Dev => dev::actor_of(headers),
        }
    }

    /// Refuses requests that a foreign page makes with the rights of who looks at it.
    ///
    /// # Errors
    /// `foreign_host` or `foreign_origin`.
    pub(crate) fn must_be_ours<B>(self, request: &Request<B>) -> Result<(), Problem> {
        match self {
            Self::Dev => dev::must_be_ours(request),
        }
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
            let auth = Auth::new(AuthMode::Dev, address.parse().unwrap());
            assert_eq!(auth.is_ok(), fits, "{address}");
        }
    }

    #[test]
    fn oidc_is_refused_with_what_to_do() {
        let err = Auth::new(AuthMode::Oidc, "127.0.0.1:1".parse().unwrap()).unwrap_err();

        assert!(err.to_string().contains("auth.mode = \"dev\""), "{err}");
    }
}
