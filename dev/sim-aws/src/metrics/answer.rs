//! Answers of CloudWatch: pages of series, and refusals.

use std::convert::Infallible;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ccm_domain::Timestamp;
use minicbor::data::IanaTag;
use minicbor::encode::{Encoder, Error};

use crate::refusal::Refusal;

const PROTOCOL: (HeaderName, HeaderValue) =
    (HeaderName::from_static("smithy-protocol"), HeaderValue::from_static("rpc-v2-cbor"));
const CBOR: (HeaderName, HeaderValue) =
    (header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"));
const MARK: &str = "from:";

/// The answer to one query.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) points: Vec<(Timestamp, f64)>,
}

/// Returns the page that `token` names, of whole series and at least one, and the token of the next.
pub(super) fn page(
    all: Vec<Series>,
    token: Option<&str>,
    most_points: usize,
) -> Result<(Vec<Series>, Option<String>), Refusal> {
    let invalid =
        || Refusal::bad_request("InvalidNextToken", "The next token specified is invalid.");
    let first: usize = token
        .map(|token| token.strip_prefix(MARK).and_then(|n| n.parse().ok()).ok_or_else(invalid))
        .transpose()?
        .unwrap_or(0);
    let total = all.len();
    let mut points = 0;
    let shown: Vec<Series> = all
        .into_iter()
        .skip(first)
        .enumerate()
        .take_while(|(n, series)| {
            points += series.points.len();
            *n == 0 || points <= most_points
        })
        .map(|(_, series)| series)
        .collect();
    let next = first + shown.len();
    Ok((shown, (next < total).then(|| format!("{MARK}{next}"))))
}

/// Writes `GetMetricDataOutput`.
pub(super) fn body(page: &[Series], token: Option<&str>) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    // Writing to memory cannot fail.
    let _: Result<(), Error<Infallible>> = write(&mut out, page, token);
    out.into_writer()
}

pub(super) fn ok(body: Vec<u8>) -> Response {
    (StatusCode::OK, [PROTOCOL, CBOR], body).into_response()
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    tracing::debug!(code = refusal.code, "refused: {}", refusal.message);
    let mut out = Encoder::new(Vec::new());
    let _: Result<(), Error<Infallible>> = write_error(&mut out, refusal);
    // CloudWatch once spoke the query protocol; clients find the code of those days in a header.
    let code = format!("{};Sender", refusal.code);
    let code = HeaderValue::from_str(&code)
        .unwrap_or(HeaderValue::from_static("InternalFailure;Receiver"));
    let code = (HeaderName::from_static("x-amzn-query-error"), code);
    (refusal.status, [PROTOCOL, CBOR, code], out.into_writer()).into_response()
}

fn write(
    out: &mut Encoder<Vec<u8>>,
    page: &[Series],
    token: Option<&str>,
) -> Result<(), Error<Infallible>> {
    out.begin_map()?.str("MetricDataResults")?.array(page.len() as u64)?;
    for series in page {
        out.begin_map()?;
        out.str("Id")?.str(&series.id)?.str("Label")?.str(&series.label)?;
        out.str("Timestamps")?.array(series.points.len() as u64)?;
        for (at, _) in &series.points {
            #[expect(
                clippy::cast_precision_loss,
                reason = "milliseconds of this age fit a double exactly"
            )]
            let seconds = at.as_millis() as f64 / 1_000.0;
            out.tag(IanaTag::Timestamp)?.f64(seconds)?;
        }
        out.str("Values")?.array(series.points.len() as u64)?;
        for (_, value) in &series.points {
            out.f64(*value)?;
        }
        out.str("StatusCode")?.str("Complete")?.end()?;
    }
    if let Some(token) = token {
        out.str("NextToken")?.str(token)?;
    }
    out.str("Messages")?.array(0)?.end()?;
    Ok(())
}

fn write_error(out: &mut Encoder<Vec<u8>>, refusal: &Refusal) -> Result<(), Error<Infallible>> {
    out.map(2)?;
    out.str("__type")?.str(&format!("com.amazonaws.cloudwatch#{}", refusal.code))?;
    out.str("message")?.str(&refusal.message)?;
    Ok(())
}
