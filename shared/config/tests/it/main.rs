//! Configuration as a service sees it.

#![cfg(test)]

mod layers;
mod print;
mod refusals;
mod secrets;

use ccm_config::section::{AuthSection, HttpSection, StoreSection, TelemetrySection};
use ccm_config::{Secret, Size, Sources, Span};
use serde::Deserialize;

const DEFAULTS: &str = r#"
[http]
listen = "0.0.0.0:8080"

[store]
url = "memory:"
timeout = "5s"

[auth]
mode = "oidc"

[telemetry]
trace_ratio = 1.0
log_format = "auto"
log_filter = "info"

[relay]
regions = ["eu-west-1"]
workers = 4
ratio = 0.5
retry = true
pending = "1MiB"
sinks = []

[jobs.prune]
every = "1h"
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    http: HttpSection,
    store: StoreSection,
    auth: AuthSection,
    telemetry: TelemetrySection,
    relay: Relay,
    jobs: std::collections::BTreeMap<String, Job>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Relay {
    regions: Vec<String>,
    workers: u16,
    ratio: f64,
    retry: bool,
    pending: Size,
    sinks: Vec<Sink>,
    ca_file: Option<String>,
    password: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sink {
    url: String,
    secret: Secret,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    every: Span,
}

fn sources(variables: &[(&str, &str)]) -> Sources {
    Sources::new(DEFAULTS).environment(
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

/// A file that is removed with its folder at the end of the test.
struct TempFile(std::path::PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ccm-config-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}
