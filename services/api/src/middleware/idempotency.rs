//! `Idempotency-Key`: a repeated POST is answered as the first time and done once.
//!
//! Successful answers are kept for a day. A refused request changed nothing and is judged anew; one whose
//! outcome is not known is carried out again under the same operation id.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ccm_app::Reservation;
use ccm_ports::Reply;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::extract::{MOST_BODY, Ticket, body};
use crate::problem::Problem;
use crate::state::AppState;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells a repetition from the first answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST_KEY: usize = 255;
/// What a repetition needs of the first answer's headers.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Carries a request out once per key of its caller.
pub(crate) async fn once(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_plain = request.method() != Method::POST || !request.headers().contains_key(KEY);
    // Events have ids of their own, and their senders are no callers.
    if is_plain || request.uri().path() == ccm_inbound::PATH {
        return next.run(request).await;
    }
    match guarded(&state, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn guarded(state: &AppState, request: Request, next: Next) -> Result<Response, Problem> {
    let actor = state.auth.known(request.headers()).await?.actor;
    let key = key_of(request.headers())?.to_owned();
    let (mut parts, request_body) = request.into_parts();
    let bytes = body::read(Request::from_parts(parts.clone(), request_body), state).await?;
    let route = parts.uri.path().to_owned();
    let kept_under = digest(&[actor.author().name.as_bytes(), route.as_bytes(), key.as_bytes()]);
    let roles: Vec<&str> = actor.roles.iter().map(|role| role.as_str()).collect();
    let fingerprint = digest(&[&bytes, parts.uri.query().unwrap_or_default().as_bytes()]);
    // A caller whose role changed must not be answered with what the old role was told.
    let kept_under = format!("{kept_under}/{}", roles.join("+"));
    match state.fleet.reserve_reply(&kept_under, &fingerprint).await? {
        Reservation::Answered(reply) => Ok(replay(reply)),
        Reservation::UnderWay => {
            let detail = "the same request has not been answered yet; wait, then repeat it";
            Err(Problem::new("request_under_way", detail).retry_after(Duration::from_secs(1)))
        }
        Reservation::Reused => {
            let detail = "this key was used for another request; use a fresh one";
            Err(Problem::field("key_reused", "header/Idempotency-Key", detail))
        }
        Reservation::Begin(reply) => {
            parts.extensions.insert(Ticket(reply.ticket));
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            settle(state, reply, response).await
        }
    }
}

async fn settle(
    state: &AppState,
    mut reply: Reply,
    response: Response,
) -> Result<Response, Problem> {
    let status = response.status();
    if status.is_server_error() {
        state.fleet.release_reply(reply).await?;
        return Ok(response);
    }
    if !status.is_success() {
        state.fleet.forget_reply(&reply).await?;
        return Ok(response);
    }
    let (parts, answer) = response.into_parts();
    let bytes = to_bytes(answer, MOST_BODY).await.map_err(|err| Problem::internal(&err))?;
    reply.status = Some(status.as_u16());
    reply.body = String::from_utf8_lossy(&bytes).into_owned();
    reply.headers = KEPT_HEADERS
        .iter()
        .filter_map(|name| {
            Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned()))
        })
        .collect();
    state.fleet.keep_reply(reply).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(reply: Reply) -> Response {
    let status = reply.status.and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), reply.body).into_response();
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn key_of(headers: &HeaderMap) -> Result<&str, Problem> {
    let detail = "must have 1 to 255 visible ASCII characters";
    let text = headers.get(KEY).and_then(|key| key.to_str().ok());
    let fits = |key: &&str| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
    };
    text.filter(fits)
        .ok_or_else(|| Problem::field("invalid_header", "header/Idempotency-Key", detail))
}

/// Hashes parts that cannot run into each other.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_digest_do_not_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
        assert_eq!(digest(&[]).len(), 64);
    }
}
