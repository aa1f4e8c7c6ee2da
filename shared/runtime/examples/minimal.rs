//! The smallest server: one task, one closer, and arguments to make it misbehave.
//!
//! The tests of this crate run it as a real process.

use std::process::ExitCode;
use std::time::Duration;

use ccm_config::Sources;
use ccm_config::section::{AdminSection, DrainSection, HttpSection, TelemetrySection};
use ccm_runtime::{ExtraArgs, Part, ServiceConfig, Shell};
use serde::Deserialize;

const DEFAULTS: &str = r#"
[http]
listen = "127.0.0.1:0"

[admin]
listen = "127.0.0.1:0"

[telemetry]
trace_ratio = 1.0
log_format = "json"
log_filter = "info"

[drain]
delay = "100ms"
streams = "5s"
requests = "1s"
jobs = "1s"
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    http: HttpSection,
    admin: AdminSection,
    telemetry: TelemetrySection,
    drain: DrainSection,
}

#[derive(Debug, clap::Args)]
struct Misbehavior {
    /// Fail this long after the start
    #[arg(long, value_name = "MS")]
    fail_after: Option<u64>,
    /// Have a task that does not end
    #[arg(long)]
    hang: bool,
    /// Have a stream that ends only when its time is over
    #[arg(long)]
    slow_stream: bool,
    /// Listen here
    #[arg(long)]
    listen: Option<String>,
}

impl ServiceConfig for Config {
    fn admin(&self) -> &AdminSection {
        &self.admin
    }

    fn telemetry(&self) -> &TelemetrySection {
        &self.telemetry
    }

    fn drain(&self) -> &DrainSection {
        &self.drain
    }

    fn check(&self) -> Vec<String> {
        let same = self.http.listen == self.admin.listen && self.http.listen.port() != 0;
        if same { vec!["http.listen and admin.listen are the same".to_owned()] } else { Vec::new() }
    }
}

impl ExtraArgs for Misbehavior {
    fn configure(&self, sources: Sources) -> Sources {
        match &self.listen {
            Some(address) => sources.argument("--listen", "http.listen", address),
            None => sources,
        }
    }
}

fn main() -> ExitCode {
    ccm_runtime::service("minimal", DEFAULTS).about("A server that does nothing").run_with(start)
}

async fn start(config: Config, wrong: Misbehavior, shell: Shell) -> anyhow::Result<()> {
    let begun = shell.tracer("minimal").span("start").start();
    let _listener = shell.listen("http", config.http.listen)?;
    let stop = shell.stopping();
    shell.tasks.spawn_critical("work", async move {
        match wrong.fail_after {
            Some(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                anyhow::bail!("told to fail")
            }
            None => stop.cancelled().await,
        }
        Ok(())
    });
    if wrong.hang {
        shell.tasks.spawn("hang", std::future::pending());
    }
    if wrong.slow_stream {
        let hold = shell.hold(Part::Streams);
        shell.tasks.spawn_best_effort("stream", move || {
            let _hold = &hold;
            std::future::pending()
        });
    }
    shell.on_close("store", async { tracing::info!("store closed") });
    drop(begun);
    Ok(())
}
