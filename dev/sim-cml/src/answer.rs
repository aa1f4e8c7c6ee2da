//! Answers in CML's form: JSON, and errors as `{code, description}`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use ccm_testkit::lab_host::Refusal;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// More is refused with 413.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) Refusal);

/// What a handler gives.
pub(crate) type Answer<T = axum::Json<Value>> = Result<T, Problem>;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self(Refusal::invalid(rejection.body_text()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Refusal { status, text } = self.0;
        let body = axum::Json(json!({ "code": status, "description": text }));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, body).into_response()
    }
}

/// Answers 200 with JSON.
#[expect(clippy::unnecessary_wraps, reason = "ends handlers")]
pub(crate) fn json_ok(value: Value) -> Answer {
    Ok(axum::Json(value))
}

/// A JSON body; unknown fields are refused where the type says so.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = body(request).await?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|err| Refusal::invalid(format!("Validation error: {err}")))?;
        Ok(Self(value))
    }
}

/// A body as text, whatever its content type says.
#[derive(Debug)]
pub(crate) struct Text(pub(crate) String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = body(request).await?;
        let text = String::from_utf8(bytes.into())
            .map_err(|_| Refusal::invalid("The body is not UTF-8"))?;
        Ok(Self(text))
    }
}

async fn body(request: Request) -> Result<bytes::Bytes, Problem> {
    axum::body::to_bytes(request.into_body(), LARGEST_BODY)
        .await
        .map_err(|_| Problem(Refusal::new(413, "The body is too large")))
}

/// Query parameters; wrong ones are a 400 in CML's form.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Query(query) =
            axum::extract::Query::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}
