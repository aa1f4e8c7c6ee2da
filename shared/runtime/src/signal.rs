//! SIGTERM and SIGINT.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Drain, Ready};

/// Exit code of a process that a second signal ended at once: 128 + SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// The signals that ask a process to stop.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on: before, they end the process at once.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listen for SIGINT")?,
        })
    }
}

/// Waits for the first signal, asks `drain` to stop, and ends the process at the second.
pub(crate) async fn watch(signals: Signals, drain: Drain, ready: Ready) -> anyhow::Result<()> {
    let Signals { mut terminate, mut interrupt } = signals;
    let name = next(&mut terminate, &mut interrupt).await;
    // Before it is told: whoever reads that finds a process that is not ready.
    ready.leave();
    drain.request();
    tracing::info!("{name} received, stopping; a second one ends the process at once");
    let name = next(&mut terminate, &mut interrupt).await;
    tracing::warn!("{name} received again, ending at once");
    std::process::exit(EXIT_INTERRUPTED)
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
