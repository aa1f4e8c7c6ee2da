//! CloudWatch's `GetMetricData` in Smithy's RPC v2 CBOR protocol.

mod answer;
mod series;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ccm_domain::{InstanceId, Timestamp};
use ccm_testkit::cloud::CloudError;

use crate::Sim;
use crate::caller::Caller;
use crate::cbor::Value;
use crate::refusal::Refusal;
use answer::Series;

/// Where operations of CloudWatch are posted.
pub(crate) const PATH: &str = "/service/GraniteServiceVersion20100801/operation/{operation}";

/// CloudWatch takes no more queries in one call.
const MOST_QUERIES: usize = 500;

/// One entry of `MetricDataQueries`.
#[derive(Debug)]
struct Query {
    id: String,
    label: String,
    /// The instance whose CPU is asked for; any other metric has no datapoints here.
    cpu_of: Option<InstanceId>,
    period: std::time::Duration,
    statistic: String,
}

/// `POST /service/…/operation/{operation}`.
pub(crate) async fn operation(
    State(sim): State<Sim>,
    Path(operation): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let done = match operation.as_str() {
        "GetMetricData" => get_metric_data(&sim, &headers, &body).await,
        other => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            &format!("The operation {other} is not known."),
        )),
    };
    match done {
        Ok(body) => answer::ok(body),
        Err(refusal) => answer::refused(&refusal),
    }
}

async fn get_metric_data(sim: &Sim, headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    if headers.get("smithy-protocol").is_none_or(|protocol| protocol != "rpc-v2-cbor") {
        return Err(invalid("smithy-protocol must be rpc-v2-cbor"));
    }
    let caller = Caller::of(headers).map_err(|_| {
        let message = "The security token included in the request is invalid.";
        Refusal::new(StatusCode::FORBIDDEN, "InvalidClientTokenId", message)
    })?;
    let input = Value::decode(body).map_err(|err| {
        Refusal::bad_request("SerializationException", &format!("Unreadable body: {err}"))
    })?;
    let queries = queries(&input)?;
    let (from, to) = window(&input)?;
    let asked: Vec<InstanceId> = queries.iter().filter_map(|query| query.cpu_of.clone()).collect();
    let found = sim.cloud.cpu_series(&caller.scope, &asked, from, to).await.map_err(words)?;
    let newest_first = input.get("ScanBy").text() != Some("TimestampAscending");
    let mut found = found.into_iter();
    let mut all: Vec<Series> = Vec::with_capacity(queries.len());
    for query in queries {
        let points = query.cpu_of.as_ref().and_then(|_| found.next()).unwrap_or_default();
        let mut points = series::aggregated(&points, query.period, &query.statistic, from)?;
        if newest_first {
            points.reverse();
        }
        all.push(Series { id: query.id, label: query.label, points });
    }
    let (page, token) = answer::page(all, input.get("NextToken").text(), most_points(sim, &input))?;
    Ok(answer::body(&page, token.as_deref()))
}

fn queries(input: &Value) -> Result<Vec<Query>, Refusal> {
    let entries = input.get("MetricDataQueries").list();
    if entries.is_empty() {
        return Err(invalid("The parameter MetricDataQueries is required."));
    }
    if entries.len() > MOST_QUERIES {
        return Err(invalid(
            "The collection MetricDataQueries must not have a size greater than 500.",
        ));
    }
    let mut queries: Vec<Query> = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.get("ReturnData").flag() != Some(false) {
            queries.push(query(entry)?);
        }
    }
    let mut ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twin) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(invalid(&format!("The id '{}' is used more than once.", twin[0])));
    }
    Ok(queries)
}

fn query(entry: &Value) -> Result<Query, Refusal> {
    let id = entry.get("Id").text().unwrap_or_default();
    let well_formed = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !well_formed {
        return Err(invalid(&format!(
            "The value '{id}' for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let stat = entry.get("MetricStat");
    let metric = stat.get("Metric");
    let period = stat.get("Period").number().unwrap_or_default();
    if period < 60.0 || period % 60.0 != 0.0 {
        return Err(invalid(
            "Period must be a multiple of 60 seconds for metrics of this resolution.",
        ));
    }
    let is_cpu = metric.get("Namespace").text() == Some("AWS/EC2")
        && metric.get("MetricName").text() == Some("CPUUtilization");
    let dimension = match metric.get("Dimensions").list() {
        [one] if one.get("Name").text() == Some("InstanceId") => one.get("Value").text(),
        _ => None,
    };
    Ok(Query {
        id: id.to_owned(),
        label: entry.get("Label").text().or(dimension).unwrap_or("CPUUtilization").to_owned(),
        cpu_of: dimension.filter(|_| is_cpu).and_then(|id| id.parse().ok()),
        period: std::time::Duration::from_secs_f64(period),
        statistic: stat.get("Stat").text().unwrap_or_default().to_owned(),
    })
}

fn window(input: &Value) -> Result<(Timestamp, Timestamp), Refusal> {
    let moment = |name: &str| {
        input
            .get(name)
            .moment()
            .ok_or_else(|| invalid(&format!("The parameter {name} is required.")))
    };
    let (from, to) = (moment("StartTime")?, moment("EndTime")?);
    if from >= to {
        return Err(invalid("The parameter StartTime must be less than the parameter EndTime."));
    }
    Ok((from, to))
}

fn most_points(sim: &Sim, input: &Value) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    let asked = input.get("MaxDatapoints").number().map(|most| most as usize);
    asked.unwrap_or(usize::MAX).min(sim.options.metric_page).max(1)
}

/// CloudWatch has other words than EC2 for the same things.
fn words(err: CloudError) -> Refusal {
    match err {
        CloudError::Throttled => Refusal::bad_request("Throttling", "Rate exceeded"),
        CloudError::Denied(action) => Refusal::new(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            &format!("User is not authorized to perform: cloudwatch:{action}"),
        ),
        CloudError::Unavailable
        | CloudError::NoInstance(_)
        | CloudError::MalformedId(_)
        | CloudError::NoImage(_)
        | CloudError::WrongState(..)
        | CloudError::TokenReused
        | CloudError::NoCapacity(_)
        | CloudError::QuotaUsedUp
        | CloudError::Protected(_)
        | CloudError::InvalidValue(_) => err.into(),
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::bad_request("ValidationError", message)
}
