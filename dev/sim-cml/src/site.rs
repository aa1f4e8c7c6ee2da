//! Which controller a request is for, and who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use ccm_domain::{InstanceId, Timestamp};
use ccm_testkit::lab_host::{Fault, Host, LabHosts, Refusal};
use uuid::Uuid;

use crate::answer::Problem;
use crate::app::App;
use crate::token::Claims;

/// The instance whose prefix the request had; put there by the server.
#[derive(Clone, Debug)]
pub(crate) struct Prefix(pub(crate) InstanceId);

/// A request for one controller, by anybody.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) id: InstanceId,
}

impl Site {
    /// Uses the controller.
    pub(crate) fn visit<T>(
        &self,
        look: impl FnOnce(&mut Host, Timestamp) -> Result<T, Refusal>,
    ) -> Result<T, Problem> {
        let seen = self.app.world.visit(&self.id, look);
        seen.unwrap_or_else(|| Err(Refusal::new(502, "Bad Gateway"))).map_err(Problem)
    }

    /// Returns the world that the controller stands in.
    pub(crate) fn world(&self) -> &Arc<LabHosts> {
        &self.app.world
    }

    /// Whether the controller is of this minor version of CML 2 or newer.
    pub(crate) fn is_at_least(&self, minor: u32) -> bool {
        let mut parts = self.world().options().version.split('.');
        let major: u32 = parts.next().and_then(|part| part.parse().ok()).unwrap_or(2);
        let own: u32 = parts.next().and_then(|part| part.parse().ok()).unwrap_or(9);
        (major, own) >= (2, minor)
    }
}

impl FromRequestParts<App> for Site {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let prefix = parts.extensions.get::<Prefix>();
        let Prefix(id) = prefix.ok_or_else(|| Refusal::new(404, "No such worker"))?.clone();
        Ok(Self { app: app.clone(), id })
    }
}

/// A request for one controller by somebody who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) site: Site,
    pub(crate) user: Uuid,
    pub(crate) session: u64,
    pub(crate) is_admin: bool,
}

impl Caller {
    /// Uses the controller.
    pub(crate) fn visit<T>(
        &self,
        look: impl FnOnce(&mut Host, Timestamp) -> Result<T, Refusal>,
    ) -> Result<T, Problem> {
        self.site.visit(look)
    }

    /// Refuses with 403 unless the caller is an administrator.
    pub(crate) fn must_be_admin(&self) -> Result<(), Problem> {
        let refusal = || Refusal::new(403, "User does not have required access.");
        self.is_admin.then_some(()).ok_or_else(refusal).map_err(Problem)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let site = Site::from_request_parts(parts, app).await?;
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let (user, session, is_admin) = site.visit(|host, now| {
            let token = token.ok_or_else(|| unauthorized("No authorization token provided"))?;
            let clock = host.faults.controller_time(now);
            let claims = Claims::read(&token, host.crew.dice(TOKEN_KEY), clock)
                .ok_or_else(|| unauthorized("Token is not valid or has expired"))?;
            let is_refused = host.faults.has(Fault::TokensRefused, now);
            if is_refused || !host.accounts.is_valid(claims.sub, claims.sid) {
                return Err(unauthorized("Session is no longer valid"));
            }
            host.touch(claims.sub, now);
            let is_admin = host.accounts.get(claims.sub).is_some_and(|account| account.admin);
            Ok((claims.sub, claims.sid, is_admin))
        })?;
        Ok(Self { site, user, session, is_admin })
    }
}

/// Salt of the key that a controller signs its tokens with.
pub(crate) const TOKEN_KEY: u64 = 0x70_6b65;

fn unauthorized(why: &str) -> Refusal {
    Refusal::new(401, format!("401: Unauthorized: {why}."))
}

/// Reads an id of a path; what is no UUID is not there.
pub(crate) fn id(kind: &str, text: &str) -> Result<Uuid, Refusal> {
    text.parse().map_err(|_| Refusal::missing(kind, text))
}
