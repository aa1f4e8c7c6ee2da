//! JSON bodies: the type checked, the size bounded, the wrong field named.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// The most bytes of a body: a lab file of 1 MiB, escaped as a JSON string, with room to spare.
pub(crate) const MOST_BODY: usize = 2 << 20;

/// A JSON body of type `T`. An absent body counts as `{}`, so that actions can be asked for without one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !is_json {
            let detail = "the body must be sent as application/json";
            return Err(Problem::new("unsupported_media_type", detail));
        }
        parse(&bytes).map(Self)
    }
}

/// Reads a whole body within the bounds.
pub(crate) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let detail = format!("a body may have at most {MOST_BODY} bytes");
            return Problem::new("body_too_large", detail);
        }
        Problem::new("malformed_json", format!("the body could not be read: {rejection}"))
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Parses JSON; a wrong value is named by its pointer.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // First of all: what breaks off must not be told as a field that is wrong.
    serde_json::from_slice::<IgnoredAny>(bytes)
        .map_err(|err| Problem::new("malformed_json", format!("the body is no JSON: {err}")))?;
    // serde would take an array of the fields' values for an object.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::field("invalid", "/", "must be an object"));
    }
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(reader).map_err(|err| {
        let message = err.inner().to_string();
        let pointer = pointer_of_field(&pointer(err.path()), &message);
        Problem::field("invalid", &pointer, without_place(&message))
    })
}

/// Writes a path as a JSON pointer (RFC 6901).
pub(crate) fn pointer(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("/{index}")),
            Segment::Map { key } => text.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { variant } => text.push_str(&format!("/{}", escaped(variant))),
            Segment::Unknown => {}
        }
    }
    text
}

/// A missing field has no place of its own; serde names it in backticks.
fn pointer_of_field(pointer: &str, message: &str) -> String {
    let named = ["missing field `", "duplicate field `"].iter().find_map(|start| {
        let rest = message.strip_prefix(start)?;
        rest.split('`').next()
    });
    match named {
        Some(name) if !pointer.ends_with(&format!("/{name}")) => {
            format!("{pointer}/{}", escaped(name))
        }
        Some(_) | None if pointer.is_empty() => "/".to_owned(),
        Some(_) | None => pointer.to_owned(),
    }
}

/// Line and column are of no use to who sent an object.
fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Order {
        name: String,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        counts: Vec<u32>,
    }

    #[test]
    fn a_wrong_value_is_named_by_its_pointer() {
        for (text, status, pointer) in [
            (r#"{"name": 7}"#, 422, "/name"),
            (r"{}", 422, "/name"),
            (r#"{"name": "a", "nane": 1}"#, 422, "/nane"),
            (r#"{"name": "a", "inner": {"counts": [1, "x"]}}"#, 422, "/inner/counts/1"),
            (r#"{"name": "a", "inner": {}}"#, 422, "/inner/counts"),
            (r#"{"name": "a", "inner": {"b/c": 1}}"#, 422, "/inner/b~1c"),
            (r#"{"name": "a", "name": "b"}"#, 422, "/name"),
            (r"[]", 422, "/"),
        ] {
            let problem = parse::<Order>(text.as_bytes()).unwrap_err();
            assert!(
                format!("{problem:?}").contains(&format!("pointer: {pointer:?}")),
                "{text}: {problem:?}"
            );
            assert_eq!(problem.into_response().status(), status, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_json_is_told_apart_from_wrong_values() {
        for text in ["{", "", "nul", r#"{"nane": "#, r#"{"name": "a"} x"#, "{'name': 1}"] {
            let problem = parse::<Order>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), "malformed_json", "{text}");
        }
    }
}
