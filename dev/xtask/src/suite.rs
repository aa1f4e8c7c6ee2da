//! `cargo xtask test`: everything that CI runs, one step after the other, and the sum of it.
//!
//! **Invariant:** what could not run, was skipped or ran no test is a failure, with the reason.

mod place;
mod run;
mod servers;
mod steps;
mod tally;

use std::time::Instant;

use anyhow::{bail, ensure};

use crate::repo;
use place::Place;
use run::Outcome;
use servers::Servers;
use tally::Tally;

/// Run everything that CI runs, or some steps of it
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Run only these steps (repeatable); see `--list`
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// List the steps and exit
    #[arg(long)]
    list: bool,
}

/// Runs the selected steps in their order, all of them even when one fails.
pub(crate) fn run(selection: &Selection) -> anyhow::Result<()> {
    let place = Place::find()?;
    let mut steps = steps::all(&place);
    if selection.list {
        for step in &steps {
            repo::say(&format!("{:<10} {}", step.name, step.about));
        }
        return Ok(());
    }
    for name in &selection.only {
        ensure!(steps.iter().any(|step| step.name == *name), "no step {name}; see --list");
    }
    steps.retain(|step| match &*selection.only {
        [] => !steps::ON_REQUEST.contains(&step.name),
        names => names.iter().any(|name| name == step.name),
    });

    let mut results = Vec::new();
    let mut servers = None;
    for step in steps {
        repo::say(&format!("\n== {}: {}", step.name, step.about));
        let started = Instant::now();
        let outcome = match needed(&step, &place, &mut servers) {
            Ok(()) => run::step(&step, &place, variables(servers.as_ref())),
            Err(err) => Outcome::broken(&err),
        };
        let seconds = started.elapsed().as_secs();
        if let Err(reason) = outcome.verdict(step.tests) {
            repo::say(&format!("== {} FAILED: {reason}", step.name));
        }
        results.push((step, outcome, seconds));
    }
    sum_up(&results)
}

/// Starts the servers before the first step that needs them.
fn needed(step: &steps::Step, place: &Place, servers: &mut Option<Servers>) -> anyhow::Result<()> {
    if step.servers && servers.is_none() {
        *servers = Some(Servers::start(place)?);
    }
    Ok(())
}

fn variables(servers: Option<&Servers>) -> &[(String, String)] {
    servers.map_or(&[], Servers::variables)
}

/// Prints one line for each step, the reasons of those that failed, and the sum.
fn sum_up(results: &[(steps::Step, Outcome, u64)]) -> anyhow::Result<()> {
    let mut sum = Tally::default();
    let mut reasons = Vec::new();
    repo::say("");
    for (step, outcome, seconds) in results {
        let verdict = outcome.verdict(step.tests);
        let word = if verdict.is_ok() { "ok" } else { "FAILED" };
        let counts = if step.tests { outcome.tally.to_string() } else { String::new() };
        repo::say(&format!("{:<10} {word:<7} {seconds:>5} s  {counts}", step.name));
        sum.add(outcome.counted(step.tests));
        if let Err(reason) = verdict {
            reasons.push(format!("{}: {reason}", step.name));
        }
    }
    for reason in &reasons {
        repo::say(&format!("FAILED {reason}"));
    }
    repo::say(&format!("\n{} passed, {} failed", sum.passed, sum.failed));
    if reasons.is_empty() {
        return Ok(());
    }
    bail!("{} of {} steps failed", reasons.len(), results.len())
}
