//! From datapoints as they are kept to datapoints of the period that was asked for.

use std::time::Duration;

use ccm_domain::Timestamp;

use crate::refusal::Refusal;

/// Returns one value a period that has datapoints, oldest first, stamped with the period's start.
pub(super) fn aggregated(
    points: &[(Timestamp, f64)],
    period: Duration,
    statistic: &str,
    from: Timestamp,
) -> Result<Vec<(Timestamp, f64)>, Refusal> {
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
    let start =
        |at: Timestamp| Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(period));
    let mut done = Vec::new();
    for chunk in points.chunk_by(|a, b| start(a.0) == start(b.0)) {
        let at = start(chunk[0].0).max(start(from));
        done.push((at, value(chunk, statistic)?));
    }
    Ok(done)
}

fn value(chunk: &[(Timestamp, f64)], statistic: &str) -> Result<f64, Refusal> {
    let values = chunk.iter().map(|(_, value)| *value);
    #[expect(clippy::cast_precision_loss, reason = "a period has few datapoints")]
    let count = chunk.len() as f64;
    Ok(match statistic {
        "Average" => values.sum::<f64>() / count,
        "Sum" => values.sum(),
        "SampleCount" => count,
        "Maximum" => values.fold(f64::NEG_INFINITY, f64::max),
        "Minimum" => values.fold(f64::INFINITY, f64::min),
        other => {
            let message = format!("The value {other} for parameter Stat is not supported.");
            return Err(Refusal::bad_request("ValidationError", &message));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_period_become_one() {
        let at = Timestamp::from_millis;
        let points = [(at(300_000), 2.0), (at(360_000), 4.0), (at(600_000), 9.0)];
        let five = Duration::from_secs(300);

        let average = aggregated(&points, five, "Average", at(300_000)).unwrap();
        let most = aggregated(&points, five, "Maximum", at(300_000)).unwrap();
        let fine = aggregated(&points, Duration::from_secs(60), "Average", at(300_000)).unwrap();

        assert_eq!(average, [(at(300_000), 3.0), (at(600_000), 9.0)]);
        assert_eq!(most, [(at(300_000), 4.0), (at(600_000), 9.0)]);
        assert_eq!(fine, points);
        assert!(aggregated(&points, five, "p99", at(0)).is_err());
    }
}
