//! Path and query: what is wrong is named.

use axum::RequestPartsExt;
use axum::extract::FromRequestParts;
use axum::extract::rejection::{PathRejection, RawPathParamsRejection};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Parameters of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extract::<axum::extract::Path<T>>().await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(err)) => {
                Err(wrong_part(parts, err.into_kind()).await)
            }
            Err(other) => Err(Problem::internal(&other)),
        }
    }
}

async fn wrong_part(parts: &mut Parts, kind: axum::extract::path::ErrorKind) -> Problem {
    use axum::extract::path::ErrorKind as E;
    let names = names(parts).await.unwrap_or_default();
    let nth = |index: usize| names.get(index).cloned().unwrap_or_default();
    #[expect(clippy::wildcard_enum_match_arm, reason = "axum's enum grows")]
    let (name, detail) = match kind {
        E::DeserializeError { key, message, .. } => (key, message),
        E::ParseErrorAtKey { key, expected_type, .. } => (key, expected_type.to_owned()),
        E::ParseErrorAtIndex { index, expected_type, .. } => (nth(index), expected_type.to_owned()),
        E::Message(message) => (nth(0), message),
        E::InvalidUtf8InPathParam { key } => (key, "must be UTF-8".to_owned()),
        other => (nth(0), other.to_string()),
    };
    Problem::field("invalid_path", &format!("path/{name}"), detail)
}

async fn names(parts: &mut Parts) -> Result<Vec<String>, RawPathParamsRejection> {
    let raw = parts.extract::<axum::extract::RawPathParams>().await?;
    Ok(raw.iter().map(|(name, _)| name.to_owned()).collect())
}

/// Parameters of the query. `T` refuses unknown ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let pairs = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(pairs).map_err(|err| {
        let path = super::body::pointer(err.path());
        let message = err.into_inner().to_string();
        // Unknown and repeated parameters are named by serde, in backticks.
        let named = message.split('`').nth(1).unwrap_or_default();
        let name = if path.is_empty() { named } else { path.trim_start_matches('/') };
        Problem::field("invalid_query", &format!("query/{name}"), readable(&message))
    })
}

/// Says in plain words what the standard library's parsers say in theirs.
fn readable(message: &str) -> String {
    let plain = match message {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "must be a whole number"
        }
        "number too large to fit in target type" => "is too large",
        "provided string was not `true` or `false`" => "must be true or false",
        other => other,
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Listing {
        limit: Option<u32>,
        q: Option<String>,
    }

    #[test]
    fn a_query_reads_into_its_type() {
        let read = parse::<Listing>("limit=5&q=a%20b").unwrap();

        assert_eq!(read, Listing { limit: Some(5), q: Some("a b".to_owned()) });
        assert_eq!(parse::<Listing>("").unwrap(), Listing::default());
    }

    #[test]
    fn what_is_wrong_in_a_query_is_named() {
        for (query, pointer) in [
            ("limit=many", "query/limit"),
            ("limit=-1", "query/limit"),
            ("limti=5", "query/limti"),
            ("q=a&q=b", "query/q"),
        ] {
            let problem = parse::<Listing>(query).unwrap_err();
            assert_eq!(problem.code(), "invalid_query");
            assert!(
                format!("{problem:?}").contains(&format!("{pointer:?}")),
                "{query}: {problem:?}"
            );
        }
    }
}
