//! A login under way, kept by the browser alone: nothing of it is stored here, so any process can end it.
//!
//! **Invariant:** `state`, `nonce` and the PKCE verifier are hashes of one secret that only this browser has. What
//! the login server and everybody on the way see of it leads to none of the others.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::auth::cookies::way_back;

/// The longest that a login may take.
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// A login under way.
#[derive(Clone)]
pub(super) struct Attempt {
    secret: String,
    began_at: Timestamp,
    /// Where to go on afterwards.
    pub(super) return_to: String,
}

impl Attempt {
    pub(super) fn begin(return_to: Option<&str>, now: Timestamp) -> Option<Self> {
        let secret = super::secret()?;
        Some(Self { secret, began_at: now, return_to: way_back(return_to).to_owned() })
    }

    /// Returns what the browser keeps.
    pub(super) fn cookie(&self) -> String {
        let path = URL_SAFE_NO_PAD.encode(&self.return_to);
        format!("{}.{}.{path}", self.secret, self.began_at.as_millis())
    }

    /// Reads what the browser kept, unless that took too long.
    pub(super) fn read(cookie: &str, now: Timestamp) -> Option<Self> {
        let mut parts = cookie.split('.');
        let (secret, began, path) = (parts.next()?, parts.next()?, parts.next()?);
        let began_at = Timestamp::from_millis(began.parse().ok()?);
        let path = String::from_utf8(URL_SAFE_NO_PAD.decode(path).ok()?).ok()?;
        let in_time = now < began_at.plus(LONGEST) && secret.len() == super::SECRET_LETTERS;
        let return_to = way_back(Some(&path)).to_owned();
        (in_time && parts.next().is_none()).then(|| Self {
            secret: secret.to_owned(),
            began_at,
            return_to,
        })
    }

    /// Proves that who comes back is who went.
    pub(super) fn state(&self) -> String {
        self.derived("state")
    }

    /// Proves that the ID token is of this login.
    pub(super) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// Proves to the login server that who brings the code is who asked for it (RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the login server is told of the verifier beforehand.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    /// Whether this state is of this attempt.
    pub(super) fn is_of(&self, state: &str) -> bool {
        verify_slices_are_equal(self.state().as_bytes(), state.as_bytes()).is_ok()
    }

    /// All that the browser keeps goes in, so that none of it can be put beside another secret.
    fn derived(&self, what: &str) -> String {
        let Self { secret, began_at, return_to } = self;
        let text = format!("ccm login\n{what}\n{secret}\n{}\n{return_to}", began_at.as_millis());
        URL_SAFE_NO_PAD.encode(Sha256::digest(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_770_000_000_000);

    #[test]
    fn an_attempt_comes_back_as_it_went_and_in_time() {
        let attempt = Attempt::begin(Some("/labs?q=a"), NOW).unwrap();
        let late = NOW.plus(LONGEST);

        let back = Attempt::read(&attempt.cookie(), late.minus(Duration::from_millis(1))).unwrap();

        assert_eq!(back.return_to, "/labs?q=a");
        assert!(back.is_of(&attempt.state()));
        assert_eq!((back.nonce(), back.verifier()), (attempt.nonce(), attempt.verifier()));
        assert!(Attempt::read(&attempt.cookie(), late).is_none());
    }

    #[test]
    fn nothing_that_is_shown_is_like_another_thing_or_another_login() {
        let (one, two) = (Attempt::begin(None, NOW).unwrap(), Attempt::begin(None, NOW).unwrap());

        let mut all: Vec<String> = [&one, &two]
            .into_iter()
            .flat_map(|a| [a.state(), a.nonce(), a.verifier(), a.challenge(), a.secret.clone()])
            .collect();

        assert!(all.iter().all(|text| text.len() == 43));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10);
        assert!(!one.is_of(&two.state()) && !one.is_of(""));
    }

    #[test]
    fn what_was_changed_is_of_another_attempt_or_none() {
        let attempt = Attempt::begin(Some("/labs"), NOW).unwrap();
        let cookie = attempt.cookie();
        let parts: Vec<&str> = cookie.split('.').collect();
        let path = |path: &str| URL_SAFE_NO_PAD.encode(path);

        let other = format!("{}.{}.{}", parts[0], parts[1], path("/workers"));
        assert!(!Attempt::read(&other, NOW).unwrap().is_of(&attempt.state()));
        let longer = format!("{}.{}.{}", parts[0], NOW.as_millis() + 1, parts[2]);
        assert!(!Attempt::read(&longer, NOW).unwrap().is_of(&attempt.state()));
        let foreign = format!("{}.{}.{}", parts[0], parts[1], path("//evil.example"));
        assert_eq!(Attempt::read(&foreign, NOW).unwrap().return_to, "/");
        for odd in ["", "a", "a.b.c", &format!("{cookie}.x"), &cookie.replace('.', "")] {
            assert!(Attempt::read(odd, NOW).is_none(), "{odd}");
        }
    }
}
