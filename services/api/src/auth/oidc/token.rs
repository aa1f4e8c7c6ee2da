//! One token: its signature first, then what it says.
//!
//! **Invariant:** nothing of a token is looked at before its signature was checked, but the header, which says
//! with which key.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_domain::{Actor, ActorKind, Role, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::{Algorithm, Keys};

/// The longest token that is looked at.
pub(super) const LONGEST: usize = 16 << 10;
/// How far the clocks of the login server and of the store may be apart.
const LEEWAY: Duration = Duration::from_secs(30);
/// Letters of a name that are kept.
const LONGEST_NAME: usize = 128;

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// The login server may have a newer key: ask it, once.
    #[error("is signed with a key that the login server does not show")]
    UnknownKey,
    /// It stays refused.
    #[error("{0}")]
    Because(&'static str),
}

/// What a token is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It opens the API.
    Access,
    /// It says who logged in.
    Id,
    /// It says who logged out.
    Logout,
}

/// What a token of this issuer must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) purpose: Purpose,
    pub(super) issuer: &'a str,
    /// What must be among its audience; not looked at where we asked for the token ourselves.
    pub(super) audience: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// What a token says, proven.
#[derive(Clone, Debug)]
pub(super) struct Claims(pub(super) Map<String, Value>);

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// What must be understood; nothing is.
    crit: Option<Value>,
}

/// Returns what the token says if it is proven and meant for us, now.
pub(super) fn check(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Claims, Refused> {
    use Refused::Because;
    let malformed = Because("is no signed JSON Web Token");
    if token.len() > LONGEST {
        return Err(Because("is too long"));
    }
    let (message, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let (head, body) = message.split_once('.').ok_or(malformed)?;
    let header: Header = read(head).ok_or(malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    if header.crit.is_some() {
        return Err(Because("has critical headers that are not understood"));
    }
    let algorithm =
        Algorithm::parse(&header.alg).ok_or(Because("is signed in a way that is not accepted"))?;
    let key = keys.find(header.kid.as_deref(), algorithm).ok_or(Refused::UnknownKey)?;
    if !key.has_signed(algorithm, message.as_bytes(), &signature) {
        return Err(Because("has a signature that does not fit"));
    }
    let claims = Claims(read(body).ok_or(malformed)?);
    claims.must_be_a(expected.purpose, header.typ.as_deref())?;
    claims.must_be_for_us(expected)?;
    Ok(claims)
}

/// Whether a signed token names a key that is not among these.
pub(super) fn names_other_key_than(token: &str, keys: &Keys) -> bool {
    let header = token.split('.').next().and_then(read::<Header>);
    header.is_some_and(|header| {
        let algorithm = Algorithm::parse(&header.alg);
        algorithm.is_some_and(|algorithm| keys.find(header.kid.as_deref(), algorithm).is_none())
    })
}

fn read<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

impl Claims {
    /// Returns a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Returns a moment (RFC 7519, `NumericDate`).
    pub(super) fn moment(&self, name: &str) -> Option<Timestamp> {
        let seconds = self.0.get(name)?.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is as far as any")]
        let millis = (seconds * 1000.0) as i64;
        Some(Timestamp::from_millis(millis))
    }

    /// Returns for whom it is.
    pub(super) fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                false
            }
        }
    }

    /// Returns the actor of an access token.
    pub(super) fn actor(&self, roles: BTreeSet<Role>) -> Actor {
        let (kind, name) = if self.is_of_program() {
            (ActorKind::Token, self.line(["preferred_username", "client_id", "azp", "sub"]))
        } else {
            (ActorKind::Person, self.name())
        };
        Actor { name, kind, roles }
    }

    /// Returns a name that people know a person by.
    pub(super) fn name(&self) -> String {
        self.line(["preferred_username", "email", "name", "sub"])
    }

    /// A program that asked for itself is its own subject (RFC 9068, 2.2); Keycloak gives it a user of its own.
    fn is_of_program(&self) -> bool {
        let of_keycloak =
            self.text("preferred_username").is_some_and(|it| it.starts_with("service-account-"));
        let subject = self.text("sub");
        let is_subject = |claim| subject.is_some() && self.text(claim) == subject;
        of_keycloak || ["client_id", "azp"].into_iter().any(is_subject)
    }

    /// Returns the first of these as no more than a line of text.
    fn line(&self, claims: [&str; 4]) -> String {
        let text = claims.into_iter().find_map(|claim| self.text(claim)).unwrap_or("nobody");
        text.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
    }

    /// Tokens of one issuer are signed alike, so that one must not pass for another.
    fn must_be_a(&self, purpose: Purpose, header: Option<&str>) -> Result<(), Refused> {
        let media = header.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
        });
        let is_logout = media.as_deref() == Some("logout+jwt") || self.0.contains_key("events");
        let fits = match purpose {
            // Keycloak says so in a claim; an access token (RFC 9068) in its header; only an ID token has these.
            Purpose::Access => {
                let of_id = ["nonce", "at_hash", "c_hash"];
                let kind = match (self.text("typ"), media.as_deref()) {
                    (Some(said), _) => said.eq_ignore_ascii_case("bearer"),
                    (None, Some("at+jwt")) => true,
                    (None, Some("jwt") | None) => !of_id.iter().any(|c| self.0.contains_key(*c)),
                    (None, Some(_)) => false,
                };
                kind && !is_logout
            }
            Purpose::Id => {
                let said = self.text("typ").is_none_or(|typ| typ.eq_ignore_ascii_case("id"));
                said && media.as_deref().is_none_or(|typ| typ == "jwt") && !is_logout
            }
            Purpose::Logout => {
                media.as_deref().is_none_or(|typ| matches!(typ, "jwt" | "logout+jwt"))
            }
        };
        if fits { Ok(()) } else { Err(Refused::Because("is a token of another kind")) }
    }

    fn must_be_for_us(&self, expected: &Expected<'_>) -> Result<(), Refused> {
        let because = |fits: bool, why| if fits { Ok(()) } else { Err(Refused::Because(why)) };
        because(self.text("iss") == Some(expected.issuer), "is of another issuer")?;
        let is_for_us = expected.audience.is_none_or(|audience| self.is_for(audience));
        because(is_for_us, "is for another audience")?;
        let (now, soon) = (expected.now, expected.now.plus(LEEWAY));
        let ends = self.moment("exp");
        // Logout tokens are the only ones that may go without an end.
        let must_end = expected.purpose != Purpose::Logout;
        because(ends.is_some() || !must_end, "does not say when it ends")?;
        because(ends.is_none_or(|ends| now < ends.plus(LEEWAY)), "has expired")?;
        for claim in ["nbf", "iat"] {
            because(self.moment(claim).is_none_or(|at| at <= soon), "is not valid yet")?;
        }
        let names_somebody = self.text("sub").is_some()
            || (expected.purpose == Purpose::Logout && self.text("sid").is_some());
        because(names_somebody, "does not say of whom it is")
    }
}
