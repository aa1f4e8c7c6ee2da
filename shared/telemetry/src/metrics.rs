//! The process's instruments and the body of `/metrics`.
//!
//! **Invariant:** the name in the code is the name outside.

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_prometheus::ResourceSelector;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream,
};
use prometheus::{Registry, TextEncoder};

/// Lets the meter tell whether a process leads a role, and in which term.
pub fn tell_epoch(
    meter: &Meter,
    role: &'static str,
    epoch: impl Fn() -> Option<u64> + Send + Sync + 'static,
) {
    let _epoch = meter
        .u64_observable_gauge("ccm_leader_epoch")
        .with_description(
            "Epoch of the term that this process leads, by role; 0 while it leads none",
        )
        .with_callback(move |gauge| {
            gauge.observe(epoch().unwrap_or_default(), &[KeyValue::new("role", role)]);
        })
        .build();
}

/// Upper bounds of duration histograms, in seconds: from a store look-up to a booting instance.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// Makes meters and renders what they measured. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Metrics {
    /// Returns empty metrics for a process called `service`. Nothing global is touched.
    ///
    /// # Errors
    ///
    /// When the exporter cannot be set up, which is a bug.
    pub fn new(service: &'static str) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .with_resource_selector(ResourceSelector::None)
            .without_units()
            .without_counter_suffixes()
            .scope_info_enabled(false)
            .build()
            .context("set up the metrics exporter")?;
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build())
            .with_reader(exporter)
            .with_view(seconds)
            .build();
        Ok(Self { provider, registry })
    }

    /// Returns the meter of one crate.
    #[must_use]
    pub fn meter(&self, name: &'static str) -> Meter {
        self.provider.meter(name)
    }

    /// Returns everything measured so far in the Prometheus text format.
    ///
    /// # Errors
    ///
    /// When two instruments share a name but not a kind.
    pub fn render(&self) -> anyhow::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).context("render the metrics")
    }
}

/// Gives histograms of seconds bounds that fit: the default ones start at five.
fn seconds(instrument: &Instrument) -> Option<Stream> {
    let is_duration =
        instrument.kind() == InstrumentKind::Histogram && instrument.name().ends_with("_seconds");
    let aggregation = Aggregation::ExplicitBucketHistogram {
        boundaries: SECONDS.to_vec(),
        record_min_max: false,
    };
    is_duration.then(|| Stream::builder().with_aggregation(aggregation).build().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    #[test]
    fn a_name_in_the_code_is_the_name_outside() {
        let metrics = Metrics::new("ccm-test").unwrap();
        let meter = metrics.meter("ccm-store");
        meter.u64_counter("ccm_fenced_writes_total").build().add(2, &[KeyValue::new("kind", "x")]);
        meter.i64_up_down_counter("ccm_sse_clients").build().add(3, &[]);

        let text = metrics.render().unwrap();

        assert!(text.contains("ccm_fenced_writes_total{kind=\"x\"} 2"), "{text}");
        assert!(text.contains("ccm_sse_clients 3"), "{text}");
    }

    #[test]
    fn durations_have_bounds_in_seconds() {
        let metrics = Metrics::new("ccm-test").unwrap();
        metrics.meter("x").f64_histogram("ccm_job_run_seconds").build().record(0.004, &[]);

        let text = metrics.render().unwrap();

        assert!(text.contains("ccm_job_run_seconds_bucket{le=\"0.0025\"} 0"), "{text}");
        assert!(text.contains("ccm_job_run_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("ccm_job_run_seconds_count 1"), "{text}");
    }

    #[test]
    fn two_processes_in_one_share_nothing() {
        let one = Metrics::new("one").unwrap();
        let other = Metrics::new("other").unwrap();
        one.meter("x").u64_counter("ccm_seen_total").build().add(1, &[]);

        assert!(!other.render().unwrap().contains("ccm_seen_total"));
    }
}
