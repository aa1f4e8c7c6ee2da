//! The login server tells that somebody is logged out (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use serde_json::Value;

use super::Oidc;
use super::token::{Claims, Purpose};
use crate::problem::Problem;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old the news may be. Repeating it ends nothing that it did not end before.
const FRESH: Duration = Duration::from_secs(300);

impl Oidc {
    /// Ends the logins that the token names; each process tells its open streams by itself.
    ///
    /// # Errors
    /// `logout_refused` when the token proves nothing.
    pub(crate) async fn told_of_logout(&self, token: &str) -> Result<(), Problem> {
        let audience = Some(self.client.id.as_str());
        let claims = self.checked(token, Purpose::Logout, audience).await?;
        let claims = claims.map_err(|refused| refuse(&format!("the logout token {refused}")))?;
        let now = self.clock.now();
        self.must_be_of_a_logout(&claims)?;
        let (subject, sid) = (claims.text("sub"), claims.text("sid"));
        let ended = self.logins.end_all(subject, sid, now).await?;
        tracing::info!("the login server told of a logout, which ends {ended} logins");
        Ok(())
    }

    fn must_be_of_a_logout(&self, claims: &Claims) -> Result<(), Problem> {
        let is_logout = claims
            .0
            .get("events")
            .and_then(Value::as_object)
            .is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object));
        let said_at = claims.moment("iat");
        let now = self.clock.now();
        let is_fresh = said_at.is_some_and(|at| now.since(at) < FRESH);
        if is_logout && is_fresh && claims.text("jti").is_some() && !claims.0.contains_key("nonce")
        {
            Ok(())
        } else {
            Err(refuse("the token does not tell of a logout of these minutes"))
        }
    }
}

fn refuse(why: &str) -> Problem {
    Problem::field("logout_refused", "/logout_token", why)
}
