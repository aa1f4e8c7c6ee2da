//! One login for everybody: a token per worker, kept until it expires, renewed once per burst of 401.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_ports::RemoteError;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::again;

/// What is assumed of tokens that do not say how long they last.
const UNTOLD_LIFE: Duration = Duration::from_secs(8 * 3_600);
/// More is not believed.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3_600);
/// A token is renewed this long before it expires, or at nine tenths of its life.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// After wrong credentials no other login is tried for this long: controllers lock accounts.
const AFTER_DENIAL: Duration = Duration::from_secs(60);

/// The session of one worker. Holds its lock while a login is under way, so that others wait for it.
#[derive(Debug, Default)]
pub(crate) struct Session {
    state: Mutex<State>,
    /// Counts logins that have ended, well or not.
    tried: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    failed: Option<(Instant, RemoteError)>,
}

/// A token as it was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: SecretString,
    /// The account's id, when the token tells it.
    pub(crate) user: Option<String>,
    number: u64,
    renew_at: Instant,
}

impl Session {
    /// Returns a token that should count, logging in if there is none.
    ///
    /// With `refused`, a token that the controller did not take, another one is returned.
    pub(crate) async fn token<F>(
        &self,
        refused: Option<&Token>,
        log_in: F,
    ) -> Result<Token, RemoteError>
    where
        F: Future<Output = Result<String, RemoteError>>,
    {
        let before = self.tried.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let is_good = |token: &&Token| {
            now < token.renew_at && refused.is_none_or(|old| old.number != token.number)
        };
        if let Some(token) = state.token.as_ref().filter(is_good) {
            return Ok(token.clone());
        }
        if let Some((at, error)) = &state.failed {
            let waited_for_it = self.tried.load(Ordering::Acquire) > before;
            let was_denied = matches!(error, RemoteError::Denied(_));
            if waited_for_it || (was_denied && now.duration_since(*at) < AFTER_DENIAL) {
                return Err(again(error));
            }
        }
        state.token = None;
        let outcome = log_in.await;
        let number = self.tried.fetch_add(1, Ordering::AcqRel);
        match outcome {
            Ok(text) => {
                let token = Token::read(text, number, now);
                state.failed = None;
                state.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                state.failed = Some((now, again(&error)));
                Err(error)
            }
        }
    }
}

/// What we look at in a token. It is not verified: it is the controller's word to itself.
#[derive(Debug, Default, Deserialize)]
struct Claims {
    iat: Option<f64>,
    exp: Option<f64>,
    sub: Option<String>,
}

impl Token {
    fn read(text: String, number: u64, asked_at: Instant) -> Self {
        let claims = claims(&text).unwrap_or_default();
        // The difference of two of the controller's times: whether its clock is right does not matter.
        let told = claims.iat.zip(claims.exp).map(|(iat, exp)| exp - iat);
        let life = told
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|life| (Duration::from_secs(1)..=LONGEST_LIFE).contains(life))
            .unwrap_or(UNTOLD_LIFE);
        let renew_at = asked_at + life.saturating_sub(MARGIN).max(life.mul_f64(0.9).min(MARGIN));
        Self { text: text.into(), user: claims.sub, number, renew_at }
    }
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn life_of(claims: &str) -> Duration {
        let now = Instant::now();
        Token::read(jwt(claims), 0, now).renew_at - now
    }

    #[test]
    fn a_token_lasts_as_long_as_it_says_less_a_margin() {
        assert_eq!(life_of(r#"{"iat": 1000, "exp": 87400}"#), Duration::from_secs(86_400 - 300));
        assert_eq!(life_of(r#"{"iat": 1000, "exp": 1010}"#), Duration::from_secs(9));
    }

    #[test]
    fn a_life_that_cannot_be_true_counts_as_untold() {
        for claims in ["{}", r#"{"iat": 10, "exp": 1e300}"#, r#"{"iat": 10, "exp": 5}"#, "[]"] {
            assert_eq!(life_of(claims), Duration::from_secs(8 * 3_600 - 300), "{claims}");
        }
    }

    #[test]
    fn a_token_that_is_no_jwt_is_used_all_the_same() {
        assert_eq!(Token::read("opaque".to_owned(), 0, Instant::now()).user, None);
    }

    #[test]
    fn a_session_shows_no_token() {
        let token = Token::read(jwt(r#"{"sub": "me"}"#), 0, Instant::now());

        let shown = format!("{token:?}");

        assert!(!shown.contains("c2ln"), "{shown}");
    }
}
