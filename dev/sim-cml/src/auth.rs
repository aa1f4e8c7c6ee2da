//! Logging in and out.

use axum::Json as Out;
use axum::extract::State;
use axum::http::StatusCode;
use ccm_domain::Timestamp;
use ccm_testkit::lab_host::{Host, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Json, Query, json_ok};
use crate::app::App;
use crate::site::{Caller, Site, TOKEN_KEY};
use crate::token::Claims;

/// `UserAuthData`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    username: String,
    password: String,
}

impl Login {
    /// Opens a session; returns user id, administrator or not, token.
    fn open(
        &self,
        host: &mut Host,
        now: Timestamp,
        life_secs: i64,
    ) -> Result<(uuid::Uuid, bool, String), Refusal> {
        let clock = host.faults.controller_time(now);
        let key = host.crew.dice(TOKEN_KEY);
        let (account, session) = host.accounts.log_in(&self.username, &self.password)?;
        let (user, admin) = (account.id, account.admin);
        host.touch(user, now);
        Ok((user, admin, Claims::new(user, session, clock, life_secs).sign(key)))
    }
}

/// `POST /authenticate`: a bare string.
pub(crate) async fn authenticate(
    site: Site,
    State(app): State<App>,
    Json(login): Json<Login>,
) -> Answer<Out<String>> {
    let life = app.options.token_life_secs;
    Ok(Out(site.visit(|host, now| login.open(host, now, life))?.2))
}

/// `POST /auth_extended`.
pub(crate) async fn auth_extended(
    site: Site,
    State(app): State<App>,
    Json(login): Json<Login>,
) -> Answer {
    let life = app.options.token_life_secs;
    let (id, admin, token) = site.visit(|host, now| login.open(host, now, life))?;
    let username = login.username;
    json_ok(
        json!({ "username": username, "id": id, "token": token, "admin": admin, "error": null }),
    )
}

/// `GET /authok`.
pub(crate) async fn authok(_caller: Caller) -> Out<&'static str> {
    Out("OK")
}

/// `GET /authentication`: since 2.10.
pub(crate) async fn authentication(caller: Caller) -> Answer {
    if !caller.site.is_at_least(10) {
        return Err(Refusal::new(404, "404: Not Found").into());
    }
    let user = caller.user;
    let body = caller.visit(|host, _| {
        let account = host.accounts.get(user).ok_or_else(|| Refusal::missing("User", user))?;
        Ok(json!({ "id": user, "username": account.username, "admin": account.admin }))
    })?;
    json_ok(body)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Logout {
    #[serde(default)]
    clear_all_sessions: bool,
}

/// `DELETE /logout`.
pub(crate) async fn logout(caller: Caller, Query(query): Query<Logout>) -> Answer<Out<bool>> {
    caller.visit(|host, _| {
        host.accounts.log_out(caller.user, caller.session, query.clear_all_sessions);
        Ok(())
    })?;
    Ok(Out(true))
}

/// `GET /web_session_timeout`.
pub(crate) async fn web_session_timeout(_caller: Caller) -> Out<u32> {
    Out(7_200)
}

/// Anything that is not known.
pub(crate) async fn not_found() -> (StatusCode, Out<Value>) {
    (StatusCode::NOT_FOUND, Out(json!({ "code": 404, "description": "404: Not Found" })))
}
