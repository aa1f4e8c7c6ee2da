#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod fields;
mod logs;
mod metrics;
mod panic;
pub mod propagate;
mod span;
mod traces;

use ccm_config::section::TelemetrySection;

pub use logs::LogFilter;
pub use metrics::{Metrics, tell_epoch};
pub use opentelemetry::KeyValue;
pub use opentelemetry::metrics::Meter;
pub use opentelemetry::trace::SpanKind;
pub use span::{Draft, Span, Tracer, covered};
pub use traces::{Export, Flush, Traces};

/// Which process this is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What it does, such as `ccm-api`.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its name among others of its kind.
    pub instance: String,
}

/// What `init` started. Keep it until the process ends.
#[derive(Debug)]
pub struct Guard {
    log_filter: LogFilter,
    metrics: Metrics,
    traces: Traces,
    export: Option<Export>,
}

impl Guard {
    /// Returns the handle that changes the log filter at run time.
    #[must_use]
    pub fn log_filter(&self) -> &LogFilter {
        &self.log_filter
    }

    /// Returns the metrics of this process.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns what makes spans.
    #[must_use]
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Returns the way of spans to the collector, once, if there is one; spans wait until it runs.
    #[must_use]
    pub fn take_export(&mut self) -> Option<Export> {
        self.export.take()
    }
}

/// Returns what is wrong with the section, one sentence each.
#[must_use]
pub fn check(section: &TelemetrySection) -> Vec<String> {
    let mut faults = Vec::new();
    if let Err(err) = logs::parse(&section.log_filter) {
        faults.push(format!("telemetry.log_filter: {err:#}"));
    }
    if let Some(url) = &section.otlp_endpoint
        && (!matches!(url.scheme(), "http" | "https") || !matches!(url.path(), "" | "/"))
    {
        faults.push(format!(
            "telemetry.otlp_endpoint: {url} is no address of OTLP over gRPC, such as http://127.0.0.1:4317"
        ));
    }
    if !(0.0..=1.0).contains(&section.trace_ratio) {
        faults.push(format!("telemetry.trace_ratio: {} is not within 0 to 1", section.trace_ratio));
    }
    faults
}

/// Starts logging for the whole process and makes panics log lines. Spans are exported once
/// [`Guard::take_export`] runs.
///
/// # Errors
///
/// A filter that cannot be read, or a second call in one process.
pub fn init(section: &TelemetrySection, who: &Identity) -> anyhow::Result<Guard> {
    let log_filter = logs::init(section)?;
    panic::log_panics();
    let metrics = Metrics::new(who.service)?;
    let (traces, export) = Traces::new(section, who, &metrics.meter("ccm-telemetry"));
    Ok(Guard { log_filter, metrics, traces, export })
}
