//! The doors of the login, for browsers and for the login server. They are no part of the API document.

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::auth::{Return, Steps};
use crate::extract::Query;
use crate::problem::Problem;
use crate::state::AppState;

/// Where to go on after the login.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Begin {
    return_to: Option<String>,
}

/// Where a browser goes after the logout.
#[derive(Debug, Serialize)]
struct Left {
    /// The login server's own logout; `null` when it has none.
    location: Option<String>,
}

/// Sends a browser to the login server.
pub(crate) async fn begin(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(Begin { return_to }): Query<Begin>,
) -> Response {
    let steps = state.auth.login().and_then(|oidc| oidc.begin(&headers, return_to.as_deref()));
    steps.map_or_else(|problem| shown(problem, &headers), go)
}

/// Lets a browser in that comes back.
pub(crate) async fn end(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(back): Query<Return>,
) -> Response {
    let oidc = match state.auth.login() {
        Ok(oidc) => oidc,
        Err(problem) => return shown(problem, &headers),
    };
    oidc.end(&headers, back).await.map_or_else(|problem| shown(problem, &headers), go)
}

/// Ends the session of a browser.
pub(crate) async fn leave(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (location, cookies) = state.auth.login()?.leave(&headers).await?;
    let mut response = Json(Left { location }).into_response();
    keep(&mut response, cookies);
    Ok(response)
}

/// Hears from the login server who is logged out.
pub(crate) async fn told(
    State(state): State<AppState>,
    form: String,
) -> Result<StatusCode, Problem> {
    let oidc = state.auth.login()?;
    let mut fields = url::form_urlencoded::parse(form.as_bytes());
    let token = fields.find_map(|(name, value)| (name == "logout_token").then_some(value));
    oidc.told_of_logout(&token.unwrap_or_default()).await?;
    Ok(StatusCode::OK)
}

fn go(steps: Steps) -> Response {
    let Ok(to) = HeaderValue::try_from(steps.to) else {
        return Problem::new("login_failed", "there is nowhere to go on").into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    keep(&mut response, steps.cookies);
    response
}

fn keep(response: &mut Response, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// People see a page with a way on, programs the problem.
fn shown(problem: Problem, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if !accepts.is_some_and(|accept| accept.contains("text/html")) {
        return problem.into_response();
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Login</title><h1>The login did not work</h1><p>{}</p>\
         <p><a href=\"/auth/login\">Try again</a></p></html>",
        super::docs::escaped(problem.detail())
    );
    (problem.status(), Html(page)).into_response()
}
