//! Tokens as controllers make them: JWT, HS256, with `iat`, `exp` and the user's id as `sub`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_domain::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const ISSUER: &str = "com.cisco.virl";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    /// Seconds since 1970, in the controller's clock.
    iat: i64,
    exp: i64,
    /// The user.
    pub(crate) sub: Uuid,
    /// Number of the session.
    pub(crate) sid: u64,
}

impl Claims {
    pub(crate) fn new(user: Uuid, session: u64, now: Timestamp, life_secs: i64) -> Self {
        let iat = now.as_millis().div_euclid(1_000);
        Self { iss: ISSUER.to_owned(), iat, exp: iat + life_secs, sub: user, sid: session }
    }

    /// Signs with a controller's key.
    pub(crate) fn sign(&self, key: u64) -> String {
        let claims = serde_json::to_vec(self).unwrap_or_default();
        let said = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&secret(key), said.as_bytes());
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Reads a token that this controller signed and that has not expired.
    pub(crate) fn read(token: &str, key: u64, now: Timestamp) -> Option<Self> {
        let (said, tag) = token.rsplit_once('.')?;
        let (_, claims) = said.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&secret(key), said.as_bytes(), &tag).ok()?;
        let claims: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (now.as_millis() < claims.exp * 1_000).then_some(claims)
    }
}

fn secret(key: u64) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &key.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_for_its_controller_until_it_expires() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let claims = Claims::new(Uuid::nil(), 7, now, 60);

        let token = claims.sign(1);

        assert_eq!(Claims::read(&token, 1, now), Some(claims));
        assert_eq!(Claims::read(&token, 2, now), None);
        assert_eq!(Claims::read(&token, 1, Timestamp::from_millis(1_700_000_060_000)), None);
        assert_eq!(Claims::read(&token[1..], 1, now), None);
    }
}
