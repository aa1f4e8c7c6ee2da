//! The product under test: a standalone of our own, or processes that somebody else started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::rest::Rest;
use crate::wait::until;

/// How long a process may take until it says where it listens.
const TO_START: Duration = Duration::from_secs(30);

/// Where a standalone keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    Memory,
    File,
}

/// A standalone as it is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) workers: usize,
    pub(crate) store: Store,
    /// How many times faster than real time the simulated world goes.
    pub(crate) speed: f64,
}

/// A running standalone; it ends with this, and its files with it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) rest: Rest,
    pub(crate) pid: u32,
    /// From the start of the process to its first good answer.
    pub(crate) ready_after: Duration,
    child: Child,
    /// Kept open: the process may have more to say.
    _stdout: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

impl Store {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::File => "file",
        }
    }
}

impl Site {
    /// Starts `program` with a simulated fleet and waits until it answers.
    pub(crate) async fn start(program: &Path, order: Order) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("ccm-load-")?;
        let log = folder.path().join("log");
        let begun = Instant::now();
        let mut child = command(program, order, folder.path(), &log)?
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let pid = child.id().context("it ended at once")?;
        let stdout = child.stdout.take().context("it has no output")?;
        let mut stdout = BufReader::new(stdout).lines();
        let address = tokio::time::timeout(TO_START, address(&mut stdout)).await;
        let Ok(Ok(address)) = address else { bail!("it did not start: {}", last_words(&log)) };
        let rest = Rest::new(&address)?;
        until("the first answer", TO_START, async || Ok(rest.is_up().await.then_some(()))).await?;
        let ready_after = begun.elapsed();
        Ok(Self { rest, pid, ready_after, child, _stdout: stdout, _folder: folder })
    }

    /// Waits until the whole fleet is known; returns its workers.
    pub(crate) async fn knows(&self, workers: usize) -> anyhow::Result<Vec<crate::rest::Worker>> {
        until("the import of the fleet", Duration::from_secs(60), async || {
            let known = self.rest.workers().await?;
            Ok((known.len() >= workers).then_some(known))
        })
        .await
    }

    /// Ends the process. What it kept is thrown away, so it need not tidy up.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the product ended by itself: {status}");
        }
        self.child.kill().await.context("end the product")
    }
}

fn command(program: &Path, order: Order, folder: &Path, log: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    command
        .args(["--simulate", &order.workers.to_string()])
        .args(["--speed", &format!("{:?}", order.speed)])
        .env("CCM_HTTP__LISTEN", "127.0.0.1:0")
        .env("CCM_ADMIN__LISTEN", "127.0.0.1:0")
        .env("CCM_TELEMETRY__LOG_FORMAT", "json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(log)?)
        .kill_on_drop(true);
    match order.store {
        Store::Memory => command.arg("--memory"),
        Store::File => {
            let place: PathBuf = folder.join("ccm.db");
            command.env("CCM_STORE__URL", format!("embedded:{}", place.display()))
        }
    };
    Ok(command)
}

/// Reads the address that the process tells people to open.
async fn address(stdout: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<String> {
    while let Some(line) = stdout.next_line().await? {
        if let Some(address) = line.trim().strip_prefix("Open ") {
            return Ok(address.trim().to_owned());
        }
    }
    bail!("it never said where it listens")
}

fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
