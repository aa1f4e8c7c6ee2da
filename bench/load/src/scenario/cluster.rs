//! The product as many processes over real servers. The system tests start them and do to them what is
//! measured; what they write, a line for each figure, is read here.

use std::io::stderr;
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use super::Place;
use crate::report::Figure;

/// The modules of the system tests that take figures. The backlog is last: what is left of it keeps a store busy for a
/// minute or two.
const FIGURES: [&str; 3] = ["figures::takeover", "figures::stream", "figures::backlog"];

/// What is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    /// How often each figure is taken; a backlog and a time at full rate are as many times longer.
    tries: u32,
}

/// A line of the system tests.
#[derive(Debug, Deserialize)]
struct Line {
    figure: String,
    unit: String,
    n: u32,
    p50: f64,
    p99: f64,
    max: f64,
}

impl Cluster {
    pub(super) async fn run(&self, place: &Place) -> anyhow::Result<Vec<Figure>> {
        let harness = place.harness.as_ref().context("no program of the system tests")?;
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("figures.jsonl");
        for module in FIGURES {
            let status = Command::new(harness)
                .args([module, "--test-threads=1", "--nocapture"])
                .env("CCM_FIGURES_TRIES", self.tries.to_string())
                .env("CCM_FIGURES_OUT", &out)
                .stdin(Stdio::null())
                .stdout(stderr())
                .kill_on_drop(true)
                .status()
                .await
                .with_context(|| format!("start {}", harness.display()))?;
            ensure!(status.success(), "{module} ended with {status}");
        }
        figures(&std::fs::read_to_string(&out).context("no figures were written")?)
    }
}

fn figures(lines: &str) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for line in lines.lines() {
        let line: Line = serde_json::from_str(line).with_context(|| format!("the line {line}"))?;
        let unit = match line.unit.as_str() {
            "ms" => "ms",
            "/s" => "/s",
            other => bail!("figures in {other} are not known"),
        };
        let name = line.figure.replace('_', " ");
        if line.n == 1 {
            figures.push(Figure::new(name, line.max, unit));
            continue;
        }
        for (what, value) in [("p50", line.p50), ("p99", line.p99), ("max", line.max)] {
            figures.push(Figure::new(format!("{} × {name}, {what}", line.n), value, unit));
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_many_tries_have_a_middle_and_an_end() {
        let lines = "{\"figure\":\"hand_over\",\"unit\":\"ms\",\"n\":20,\"min\":1,\"p50\":2,\"p99\":3,\"max\":4}\n\
                     {\"figure\":\"rate\",\"unit\":\"/s\",\"n\":1,\"min\":9,\"p50\":9,\"p99\":9,\"max\":9}\n";

        let expected = [
            Figure::new("20 × hand over, p50", 2.0, "ms"),
            Figure::new("20 × hand over, p99", 3.0, "ms"),
            Figure::new("20 × hand over, max", 4.0, "ms"),
            Figure::new("rate", 9.0, "/s"),
        ];
        assert_eq!(figures(lines).unwrap(), expected);
        assert!(figures("{\"figure\":\"rate\"}").is_err());
    }
}
