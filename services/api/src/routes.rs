//! Handlers. Each translates: from the request to a use case, from its outcome to an answer.

pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod inbound;
pub(crate) mod lab_files;
pub(crate) mod labs;
pub(crate) mod licenses;
pub(crate) mod login;
pub(crate) mod operations;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod system;
pub(crate) mod ui;
pub(crate) mod worker_actions;
pub(crate) mod worker_parts;
pub(crate) mod workers;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;

/// A resource with its `ETag`.
#[derive(Clone, Debug)]
pub(crate) struct Tagged<T> {
    pub(crate) rev: u64,
    pub(crate) body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.rev)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// Reads words between commas; what one of them is not is told by name.
pub(crate) fn words<T: serde::de::DeserializeOwned>(
    name: &str,
    text: Option<&str>,
) -> Result<Vec<T>, crate::problem::Problem> {
    let words = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    words
        .map(|word| {
            serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|err| {
                crate::problem::Problem::field(
                    "invalid_query",
                    &format!("query/{name}"),
                    err.to_string(),
                )
            })
        })
        .collect()
}
