//! What is counted and timed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_app::Fleet;
use ccm_domain::schedule::{SkipReason, Skipped};
use ccm_domain::{RunState, Timestamp};
use ccm_telemetry::{KeyValue, Meter};

/// The instruments of a scheduler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Instruments(Arc<Inner>);

type Successes = Arc<Mutex<BTreeMap<String, Timestamp>>>;

#[derive(Debug)]
struct Inner {
    lag: opentelemetry::metrics::Histogram<f64>,
    seconds: opentelemetry::metrics::Histogram<f64>,
    runs: opentelemetry::metrics::Counter<u64>,
    skips: opentelemetry::metrics::Counter<u64>,
    successes: Successes,
}

impl Instruments {
    /// Makes the instruments; ages are told on the fleet's clock.
    #[must_use]
    pub fn new(meter: &Meter, fleet: &Fleet) -> Self {
        let (clock, probe) = (Arc::clone(&fleet.clock), Arc::clone(&fleet.stores.probe));
        let _fenced = meter
            .u64_observable_counter("ccm_fenced_writes_total")
            .with_description("Writes that were refused because another leader had taken over")
            .with_callback(move |counter| counter.observe(probe.fenced(), &[]))
            .build();
        let successes = Successes::default();
        let seen = Arc::clone(&successes);
        let _age = meter
            .f64_observable_gauge("ccm_job_last_success_age_seconds")
            .with_description("Time since a run of the job (name) last ended well")
            .with_callback(move |gauge| {
                let now = clock.now();
                for (job, at) in &*seen.lock().unwrap_or_else(PoisonError::into_inner) {
                    let age = now.since(*at).as_secs_f64();
                    gauge.observe(age, &[KeyValue::new("name", job.clone())]);
                }
            })
            .build();
        let inner = Inner {
            lag: meter
                .f64_histogram("ccm_schedule_lag_seconds")
                .with_description(
                    "From the due moment of a slot or command to the start of its run",
                )
                .build(),
            seconds: meter
                .f64_histogram("ccm_job_run_seconds")
                .with_description("Duration of an attempt, by job (name)")
                .build(),
            runs: meter
                .u64_counter("ccm_job_runs_total")
                .with_description("Attempts by job (name) and outcome")
                .build(),
            skips: meter
                .u64_counter("ccm_schedule_skips_total")
                .with_description("Slots that were left out, by reason")
                .build(),
            successes,
        };
        Self(Arc::new(inner))
    }

    pub(crate) fn began(&self, job: &str, lag: Duration) {
        self.0.lag.record(lag.as_secs_f64(), &[KeyValue::new("name", job.to_owned())]);
    }

    pub(crate) fn ended(&self, job: &str, state: RunState, took: Duration) {
        let labels =
            [KeyValue::new("name", job.to_owned()), KeyValue::new("outcome", state.name())];
        self.0.seconds.record(took.as_secs_f64(), &labels[..1]);
        self.0.runs.add(1, &labels);
    }

    pub(crate) fn succeeded(&self, job: &str, at: Timestamp) {
        let mut successes = self.0.successes.lock().unwrap_or_else(PoisonError::into_inner);
        successes.insert(job.to_owned(), at);
    }

    pub(crate) fn skipped(&self, schedule: &str, skipped: &Skipped) {
        let reason = match skipped.reason {
            SkipReason::Missed => "missed",
            SkipReason::Overlap => "overlap",
            SkipReason::Triggered => "triggered",
            SkipReason::Changed => "changed",
        };
        let labels =
            [KeyValue::new("schedule", schedule.to_owned()), KeyValue::new("reason", reason)];
        self.0.skips.add(skipped.count, &labels);
    }
}
