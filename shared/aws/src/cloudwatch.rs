//! `Measure` over CloudWatch: one query an instance, 500 queries a call.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use ccm_domain::{CpuReading, InstanceId, Scope, Timestamp};
use ccm_ports::{Measure, RemoteError};

use crate::Aws;
use crate::clients::Pair;
use crate::convert::{moment, to_moment};

/// CloudWatch takes no more queries in one call.
const MOST_QUERIES: usize = 500;

/// The shortest period of EC2's metrics. With basic monitoring only each fifth has a datapoint; asking for
/// it costs the same, as CloudWatch bills by metric.
const PERIOD: i32 = 60;

#[async_trait]
impl Measure for Aws {
    async fn cpu(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<CpuReading>, RemoteError> {
        let clients = self.clients.of(scope).await?;
        let mut newest = Vec::new();
        for ids in ids.chunks(MOST_QUERIES) {
            newest.extend(Box::pin(newest_of(&clients, ids, from, to)).await?);
        }
        Ok(newest)
    }
}

async fn newest_of(
    clients: &Pair,
    ids: &[InstanceId],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<CpuReading>, RemoteError> {
    let queries = ids.iter().enumerate().map(|(n, id)| query(n, id)).collect();
    // Aligned to the period, as CloudWatch does anyway; unaligned spans answer more slowly.
    let request = clients
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(to_moment(aligned(from, false)))
        .end_time(to_moment(aligned(to, true)))
        .scan_by(ScanBy::TimestampDescending);
    let mut newest: HashMap<usize, CpuReading> = HashMap::new();
    let mut token = None;
    loop {
        let page = clients.cloudwatch(request.clone().set_next_token(token).send()).await?;
        for series in page.metric_data_results.unwrap_or_default() {
            let Some((n, id)) = asked(series.id.as_deref(), ids) else { continue };
            let points = series
                .timestamps
                .unwrap_or_default()
                .into_iter()
                .zip(series.values.unwrap_or_default());
            for (at, percent) in points {
                let at = moment(&at);
                // A series may go on in the next page.
                if newest.get(&n).is_none_or(|known| known.at < at) {
                    newest.insert(n, CpuReading { instance: id.clone(), percent, at });
                }
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(newest.into_values().collect())
}

fn query(n: usize, id: &InstanceId) -> MetricDataQuery {
    let instance = Dimension::builder().name("InstanceId").value(id.as_str()).build();
    let metric = Metric::builder()
        .namespace("AWS/EC2")
        .metric_name("CPUUtilization")
        .dimensions(instance)
        .build();
    let stat = MetricStat::builder().metric(metric).period(PERIOD).stat("Average").build();
    MetricDataQuery::builder().id(format!("m{n}")).metric_stat(stat).return_data(true).build()
}

/// Returns which instance a series is about.
fn asked<'a>(series: Option<&str>, ids: &'a [InstanceId]) -> Option<(usize, &'a InstanceId)> {
    let n: usize = series?.strip_prefix('m')?.parse().ok()?;
    Some((n, ids.get(n)?))
}

fn aligned(at: Timestamp, up: bool) -> Timestamp {
    let period = i64::from(PERIOD) * 1_000;
    let over = at.as_millis().rem_euclid(period);
    let down = at.as_millis() - over;
    Timestamp::from_millis(if up && over > 0 { down + period } else { down })
}
