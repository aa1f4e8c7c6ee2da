//! The one address of the query protocols: a form comes in, XML goes out.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::caller::Caller;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::{Sim, ec2, sts};

/// `POST /`.
pub(crate) async fn query(State(sim): State<Sim>, headers: HeaderMap, body: Bytes) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let caller = match Caller::of(&headers) {
        Ok(caller) => caller,
        Err(refusal) => return refused(&refusal, ec2::error_body(&refusal, &request_id)),
    };
    let params = Params::new(form(&body));
    if caller.service == "sts" {
        let done = sts::call(&sim, &caller, &params, &request_id);
        done.map_or_else(
            |r| refused(&r, sts::error_body(&r, &request_id)),
            |body| xml(StatusCode::OK, body),
        )
    } else {
        let done = ec2::call(&sim, &caller, &params, &request_id).await;
        done.map_or_else(
            |r| refused(&r, ec2::error_body(&r, &request_id)),
            |body| xml(StatusCode::OK, body),
        )
    }
}

fn refused(refusal: &Refusal, body: String) -> Response {
    tracing::debug!(code = refusal.code, "refused: {}", refusal.message);
    xml(refusal.status, body)
}

fn xml(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml;charset=UTF-8")], body).into_response()
}

/// Reads `application/x-www-form-urlencoded`.
fn form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}
