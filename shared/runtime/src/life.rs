//! From arguments to exit code.

use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use ccm_config::section::{AdminSection, DrainSection, TelemetrySection};
use ccm_config::{Loaded, Sources, load};
use ccm_telemetry::{Export, Guard, Identity};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use crate::args::{self, ExtraArgs, NoArgs, Parsed, ProcessArgs};
use crate::build::BUILD;
use crate::{Shell, admin, process, signal};

/// Exit code when arguments or configuration cannot be used (`EX_USAGE`).
pub const EXIT_CONFIG: u8 = 64;

/// The configuration of a service, as far as every process has it.
pub trait ServiceConfig: DeserializeOwned + Send + 'static {
    /// Returns `[admin]`.
    fn admin(&self) -> &AdminSection;

    /// Returns `[telemetry]`.
    fn telemetry(&self) -> &TelemetrySection;

    /// Returns `[drain]`.
    fn drain(&self) -> &DrainSection;

    /// Returns what is wrong across sections, one sentence each; the process then does not start.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns what is legal but risky, one sentence each; it is logged at start.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A server about to be run. Made by [`service`].
#[derive(Clone, Copy, Debug)]
pub struct Service {
    name: &'static str,
    defaults: &'static str,
    about: &'static str,
}

/// Returns a server called `name` with its compiled-in `defaults.toml`.
#[must_use]
pub fn service(name: &'static str, defaults: &'static str) -> Service {
    Service { name, defaults, about: "" }
}

impl Service {
    /// Adds the sentence that `--help` starts with.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Runs the process: `start` starts everything on the shell and returns; the process then
    /// lives until a signal or until a critical task ends.
    pub fn run<C, F, Fut>(self, start: F) -> ExitCode
    where
        C: ServiceConfig,
        F: FnOnce(C, Shell) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        self.run_with(|config: C, NoArgs {}, shell| start(config, shell))
    }

    /// Like [`Service::run`] with arguments that only this server has.
    pub fn run_with<C, A, F, Fut>(self, start: F) -> ExitCode
    where
        C: ServiceConfig,
        A: ExtraArgs,
        F: FnOnce(C, A, Shell) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        match args::parse(self.name, self.about, std::env::args_os()) {
            Parsed::Exit(err) => {
                // Nothing can be done about a closed terminal.
                let _ = err.print();
                ExitCode::from(if err.use_stderr() { EXIT_CONFIG } else { 0 })
            }
            Parsed::Run(process, extra) => self.configured(&process, extra, start),
        }
    }

    fn configured<C, A, F, Fut>(self, process: &ProcessArgs, extra: A, start: F) -> ExitCode
    where
        C: ServiceConfig,
        A: ExtraArgs,
        F: FnOnce(C, A, Shell) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let sources =
            Sources::new(self.defaults).file(process.config.clone()).process_environment();
        let Loaded { value: config, report } = match load::<C>(&extra.configure(sources)) {
            Ok(loaded) => loaded,
            Err(err) => return refuse(self.name, &err.to_string()),
        };
        if process.print_config {
            let _ = write!(std::io::stdout(), "{report}");
            return ExitCode::SUCCESS;
        }
        let mut faults = config.check();
        faults.extend(ccm_telemetry::check(config.telemetry()));
        if !faults.is_empty() {
            return refuse(self.name, &faults.join("\n  "));
        }
        if process.check {
            for warning in config.warnings() {
                let _ = writeln!(std::io::stderr(), "{}: warning: {warning}", self.name);
            }
            let _ = writeln!(std::io::stdout(), "{}: the configuration can be used", self.name);
            return ExitCode::SUCCESS;
        }
        let who = Identity {
            service: self.name,
            version: BUILD.version,
            instance: process::process_name(config.admin(), self.name),
        };
        let guard = match ccm_telemetry::init(config.telemetry(), &who) {
            Ok(guard) => guard,
            Err(err) => return refuse(self.name, &format!("{err:#}")),
        };
        self.live(config, extra, guard, start)
    }

    fn live<C, A, F, Fut>(self, config: C, extra: A, guard: Guard, start: F) -> ExitCode
    where
        C: ServiceConfig,
        A: ExtraArgs,
        F: FnOnce(C, A, Shell) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        tracing::info!("{} {} starts", self.name, BUILD.describe());
        for warning in config.warnings() {
            tracing::warn!("risky configuration: {warning}");
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(err) => return refuse(self.name, &format!("cannot start threads: {err}")),
        };
        let outcome = runtime.block_on(serve(config, extra, guard, start));
        // What is left was named and aborted; a blocking call must not keep the process.
        runtime.shutdown_background();
        match outcome {
            Ok(()) => {
                tracing::info!("{} has stopped", self.name);
                ExitCode::SUCCESS
            }
            Err(err) => {
                tracing::error!(error = format!("{err:#}"), "{} has failed", self.name);
                ExitCode::FAILURE
            }
        }
    }
}

/// Binds, starts, waits and stops.
async fn serve<C, A, F, Fut>(config: C, extra: A, mut guard: Guard, start: F) -> anyhow::Result<()>
where
    C: ServiceConfig,
    A: ExtraArgs,
    F: FnOnce(C, A, Shell) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let signals = signal::Signals::catch()?;
    let shell = Shell::new(guard.metrics().clone(), guard.traces().clone());
    let export = export(guard.take_export(), &shell);
    process::observe(&shell.meter("ccm-runtime"), &shell.tasks);
    let limits = config.drain().clone();
    let admin = shell.listen("admin", config.admin().listen)?;
    let admin = answer(admin, &shell, &guard);
    let signals = signal::watch(signals, shell.drain.clone(), shell.ready.clone());

    let life = async {
        let started = Instant::now();
        let latch = shell.ready.latch("start");
        let outcome = tokio::select! {
            outcome = start(config, extra, shell.clone()) => outcome.context("start"),
            () = ended(&shell) => Ok(()),
        };
        if outcome.is_ok() {
            latch.open();
            tracing::info!(duration_ms = millis(started), "started in {} ms", millis(started));
            ended(&shell).await;
        }
        let stopping = Instant::now();
        let stopped = shell.stop(&limits).await;
        tracing::info!(duration_ms = millis(stopping), "stopped in {} ms", millis(stopping));
        outcome?;
        stopped.map_err(|left| anyhow::anyhow!("did not end in time: {}", left.join(", ")))?;
        anyhow::ensure!(!shell.tasks.failed().is_cancelled(), "a critical task failed");
        Ok(())
    };
    tokio::select! {
        outcome = life => outcome,
        outcome = admin => outcome.context("admin port"),
        outcome = signals => outcome.context("signals"),
        outcome = export => match outcome.context("send traces")? {},
    }
}

/// Waits until somebody asks the process to stop or a critical task ends.
async fn ended(shell: &Shell) {
    tokio::select! {
        () = shell.drain.requested().cancelled_owned() => {}
        () = shell.stopping().cancelled_owned() => {}
    }
}

/// Returns what sends traces until the process has ended, where they are sent.
fn export(
    export: Option<Export>,
    shell: &Shell,
) -> impl Future<Output = anyhow::Result<std::convert::Infallible>> + use<> {
    if let Some(export) = &export {
        let flush = export.flusher();
        // The first to be added, so the last to run: what the others end with is sent too. A collector that is
        // away must not make the end one that failed.
        let limit = DrainSection::LAST_STEP / 2;
        shell.on_close("traces", async move { flush.flush(limit).await });
    }
    async move {
        if let Some(export) = export {
            export.run().await?;
        }
        std::future::pending().await
    }
}

/// Serves the admin port until it is dropped, after everything else has ended.
async fn answer(listener: TcpListener, shell: &Shell, guard: &Guard) -> anyhow::Result<()> {
    let routes = admin::router(
        shell.ready.clone(),
        shell.metrics.clone(),
        guard.log_filter().clone(),
        shell.routes().clone(),
    );
    axum::serve(listener, routes).await?;
    Ok(())
}

fn refuse(name: &str, message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{name}: {message}");
    ExitCode::from(EXIT_CONFIG)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
