//! `[auth]`: who may call.

use serde::Deserialize;
use url::Url;

use crate::Secret;

/// `[auth]`: how a caller is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSection {
    /// `oidc`, or `dev` on loopback.
    pub mode: AuthMode,
    /// `[auth.oidc]`: required when `mode` is `oidc`.
    pub oidc: Option<OidcSection>,
}

/// How a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// A login server says who it is.
    Oidc,
    /// The caller chooses a role; refused unless the public port is on loopback.
    Dev,
}

/// `[auth.oidc]`: the login server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSection {
    /// Issuer URL, exactly as in the tokens.
    pub issuer: Url,
    /// Our id at the login server.
    pub client_id: String,
    /// Our password at the login server.
    pub client_secret: Secret,
    /// What `aud` of a bearer token must contain; the client id when absent.
    pub audience: Option<String>,
    /// Dotted path of the claim that lists roles; `realm_access.roles`, else `roles`, when absent.
    pub roles_claim: Option<String>,
    /// Where browsers reach us, such as `https://ccm.example.com`; what they ask for when absent.
    pub public_url: Option<Url>,
}

impl AuthSection {
    /// Returns a section for tests: the caller chooses a role.
    #[must_use]
    pub fn for_testing() -> Self {
        Self { mode: AuthMode::Dev, oidc: None }
    }
}
