//! `[telemetry]`: logs and where traces go.

use serde::Deserialize;
use url::Url;

/// `[telemetry]`: what a process says about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySection {
    /// Where traces are sent by OTLP over gRPC; absent = nowhere.
    pub otlp_endpoint: Option<Url>,
    /// The part of the traces begun here that is sent; whoever began a trace elsewhere has decided for it.
    pub trace_ratio: f64,
    /// How log lines look.
    pub log_format: LogFormat,
    /// `tracing` filter directives such as `info,ccm_scheduler=debug`.
    pub log_filter: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl TelemetrySection {
    /// Returns a section for tests: text, warnings and errors only.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            otlp_endpoint: None,
            trace_ratio: 1.0,
            log_format: LogFormat::Text,
            log_filter: "warn".to_owned(),
        }
    }
}
