//! `If-Match`: what the caller has read before it changes something.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use ccm_app::Expected;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::problem::Problem;

/// The revisions that the caller builds on. Required; as an option it may be left out.
#[derive(Clone, Debug)]
pub(crate) struct IfMatch(pub(crate) Expected);

impl IfMatch {
    /// Returns what may be there: anything when the header was left out.
    pub(crate) fn or_any(given: Option<Self>) -> Expected {
        given.map_or(Expected::Any, |Self(expected)| expected)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(&parts.headers)?.map(Self).ok_or_else(|| {
            let detail = "send the ETag of what you read as If-Match";
            Problem::field("if_match_required", "header/If-Match", detail)
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Ok(read(&parts.headers)?.map(Self))
    }
}

fn read(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    let mut revs = Vec::new();
    let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    for line in lines {
        let line = line.to_str().map_err(|_| malformed())?;
        for tag in line.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Some(Expected::Any));
            }
            // A weak tag never matches (RFC 9110 13.1.1), and neither does one that is none of ours.
            let weak = tag.starts_with("W/");
            let text = tag.strip_prefix("W/").unwrap_or(tag);
            let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            let rev = text.ok_or_else(malformed)?.parse::<u64>().ok();
            revs.extend(rev.filter(|_| !weak));
        }
    }
    Ok(Some(Expected::OneOf(revs)))
}

fn malformed() -> Problem {
    Problem::field("invalid_header", "header/If-Match", "must be an ETag such as \"17\", or *")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(value: &str) -> Result<Option<Expected>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        read(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn etags_read_as_revisions() {
        assert_eq!(of("\"17\""), Ok(Some(Expected::OneOf(vec![17]))));
        assert_eq!(of("\"17\", \"18\""), Ok(Some(Expected::OneOf(vec![17, 18]))));
        assert_eq!(of("*"), Ok(Some(Expected::Any)));
        assert_eq!(of("W/\"17\""), Ok(Some(Expected::OneOf(vec![]))));
        assert_eq!(of("\"abc\""), Ok(Some(Expected::OneOf(vec![]))));
        assert_eq!(of("17"), Err("invalid_header"));
        assert_eq!(read(&HeaderMap::new()).unwrap(), None);
    }
}
