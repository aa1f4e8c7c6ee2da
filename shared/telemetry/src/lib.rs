#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod fields;
mod logs;
mod metrics;
mod panic;

use ccm_config::section::TelemetrySection;

pub use logs::LogFilter;
pub use metrics::{Metrics, tell_epoch};
pub use opentelemetry::KeyValue;
pub use opentelemetry::metrics::Meter;

/// What `init` started. Keep it until the process ends.
#[derive(Debug)]
pub struct Guard {
    log_filter: LogFilter,
    metrics: Metrics,
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
}

/// Starts logging for the whole process and makes panics log lines.
///
/// # Errors
///
/// A filter that cannot be read, an exporter that this build does not have, or a second call in
/// one process.
pub fn init(section: &TelemetrySection, service: &'static str) -> anyhow::Result<Guard> {
    // Saying nothing and exporting nothing would be worse than not starting.
    anyhow::ensure!(
        section.otlp_endpoint.is_none(),
        "telemetry.otlp_endpoint is set, but this version exports no traces; leave it unset"
    );
    let log_filter = logs::init(section)?;
    panic::log_panics();
    Ok(Guard { log_filter, metrics: Metrics::new(service)? })
}
