//! `ccm-load`: scenarios in, scoreboard out. Knows the product from outside only.

mod machine;
mod pace;
mod process;
mod readers;
mod report;
mod rest;
mod scenario;
mod site;
mod spread;
mod sse;
mod wait;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Parser;

use crate::machine::Machine;
use crate::report::Report;
use crate::scenario::{Place, Scenario};

/// Measures the product and compares it with its targets.
#[derive(Debug, Parser)]
#[command(name = "ccm-load", disable_version_flag = true)]
struct Args {
    /// Folder of scenarios, TOML files.
    #[arg(long, default_value = "bench/scenarios")]
    scenarios: PathBuf,
    /// Only this scenario; may be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Measure for a shorter time: figures for orientation.
    #[arg(long)]
    quick: bool,
    /// The program to measure, built for release.
    #[arg(long, value_name = "PROGRAM", required_unless_present = "harness")]
    standalone: Option<PathBuf>,
    /// Measure many processes instead, by way of this program of the system tests.
    #[arg(long, value_name = "PROGRAM", requires = "store")]
    harness: Option<PathBuf>,
    /// The store that they share, for the results.
    #[arg(long, requires = "harness")]
    store: Option<String>,
    /// Measure processes that run already: changes go to the first address, events come from the others.
    #[arg(long, value_name = "URL")]
    at: Vec<String>,
    /// Folder to which the results are written; not written when left out.
    #[arg(long)]
    results: Option<PathBuf>,
    /// The day, for the results.
    #[arg(long, default_value = "unknown")]
    date: String,
    /// What was measured, for the results.
    #[arg(long, default_value = "unknown")]
    commit: String,
    /// How it was built, for the results.
    #[arg(long, default_value = "unknown")]
    profile: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // Nothing can be done about a closed terminal.
            let _ = writeln!(std::io::stderr(), "ccm-load: {err:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all scenarios. A missed target is a result; what did not run is an error, after all others ran.
async fn run(args: Args) -> anyhow::Result<()> {
    let all = scenarios(&args)?;
    let standalone = args.standalone.unwrap_or_default();
    let place = Place { standalone, at: args.at, harness: args.harness };
    let scenarios: Vec<_> = all.into_iter().filter(|it| it.belongs_to(&place)).collect();
    ensure!(!scenarios.is_empty(), "nothing to run");
    let load_before = machine::load();
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for scenario in &scenarios {
        let begun = Instant::now();
        match scenario.run(&place).await {
            Ok(figures) => rows.extend(figures),
            Err(err) => failed.push(format!("{}: {err:#}", scenario.name)),
        }
        let took = begun.elapsed().as_secs();
        let _ = writeln!(std::io::stderr(), "ccm-load: {} took {took} s", scenario.name);
    }
    let report = Report {
        date: args.date,
        commit: args.commit,
        profile: args.profile,
        store: args.store,
        machine: Machine::here(),
        load_before,
        load_after: machine::load(),
        rows,
    };
    write!(std::io::stdout(), "\n{}\n", report.table())?;
    ensure!(failed.is_empty(), "did not run: {}", failed.join("; "));
    if let Some(folder) = &args.results {
        report.write(folder)?;
    }
    Ok(())
}

fn scenarios(args: &Args) -> anyhow::Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for path in files(&args.scenarios)? {
        scenarios.push(Scenario::read(&path, args.quick)?);
    }
    let known: Vec<String> = scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    for name in &args.only {
        ensure!(known.contains(name), "there is no scenario {name}, but {}", known.join(", "));
    }
    scenarios.retain(|scenario| args.only.is_empty() || args.only.contains(&scenario.name));
    scenarios.retain(|scenario| args.at.is_empty() || scenario.takes_others());
    Ok(scenarios)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = folder.read_dir().with_context(|| format!("read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
