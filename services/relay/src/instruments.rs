//! What the relay measures.

use std::time::Duration;

use ccm_domain::SinkName;
use ccm_telemetry::{KeyValue, Meter};
use opentelemetry::metrics::{Counter, Histogram};

/// The instruments of the sinks. Their names are configuration, so they are a closed set of labels.
#[derive(Clone, Debug)]
pub(crate) struct Instruments {
    seconds: Histogram<f64>,
    dead: Counter<u64>,
    missed: Counter<u64>,
}

impl Instruments {
    /// Makes them.
    pub(crate) fn new(meter: &Meter) -> Self {
        Self {
            seconds: meter
                .f64_histogram("ccm_sink_attempt_seconds")
                .with_description("How long attempts to deliver took, by sink and outcome")
                .build(),
            dead: meter
                .u64_counter("ccm_sink_dead_letters_total")
                .with_description("Events that were given up, by sink")
                .build(),
            missed: meter
                .u64_counter("ccm_sink_missed_events_total")
                .with_description(
                    "Events that the log had forgotten before they were sent, by sink",
                )
                .build(),
        }
    }

    /// Counts an attempt.
    pub(crate) fn sent(&self, sink: &SinkName, is_taken: bool, took: Duration) {
        let outcome = if is_taken { "delivered" } else { "failed" };
        let labels = [label(sink), KeyValue::new("outcome", outcome)];
        self.seconds.record(took.as_secs_f64(), &labels);
    }

    /// Counts an event that was given up.
    pub(crate) fn died(&self, sink: &SinkName) {
        self.dead.add(1, &[label(sink)]);
    }

    /// Counts events that nobody can send any more.
    pub(crate) fn missed(&self, sink: &SinkName, events: u64) {
        self.missed.add(events, &[label(sink)]);
    }
}

fn label(sink: &SinkName) -> KeyValue {
    KeyValue::new("sink", sink.to_string())
}
