//! What is run: the files of `bench/scenarios`.

mod cluster;
mod latency;
mod memory;
mod sweep;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use toml::Table;

use crate::report::{Figure, Row, Target};

/// The table of a scenario whose keys stand in for others with `--quick`.
const QUICK: &str = "quick";

/// Where the product is.
#[derive(Debug)]
pub(crate) struct Place {
    /// The program `ccm-standalone`.
    pub(crate) standalone: PathBuf,
    /// Processes that somebody else started: events are written to the first and read from the others.
    pub(crate) at: Vec<String>,
    /// The program of the system tests, which runs many processes and takes their figures.
    pub(crate) harness: Option<PathBuf>,
}

/// A scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    kind: Kind,
    /// Endings of names of figures, and the most that those should be.
    targets: BTreeMap<String, f64>,
    /// The same, and the least.
    at_least: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    Memory(memory::Memory),
    Latency(latency::Latency),
    Sweep(sweep::Sweep),
    Cluster(cluster::Cluster),
}

impl Scenario {
    /// Reads a scenario; the name of its file is its name.
    pub(crate) fn read(path: &Path, quick: bool) -> anyhow::Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path)?;
        Self::parse(name, &text, quick).with_context(|| format!("in {}", path.display()))
    }

    fn parse(name: String, text: &str, quick: bool) -> anyhow::Result<Self> {
        let mut table: Table = toml::from_str(text)?;
        let shorter = table.remove(QUICK);
        let [targets, at_least] = ["targets", "at_least"].map(|name| table.remove(name));
        let bounds = |table: Option<toml::Value>| table.map(toml::Value::try_into).transpose();
        let (targets, at_least) = (bounds(targets)?, bounds(at_least)?);
        if quick && let Some(shorter) = shorter {
            table.extend(shorter.try_into::<Table>()?);
        }
        Ok(Self {
            name,
            kind: table.try_into()?,
            targets: targets.unwrap_or_default(),
            at_least: at_least.unwrap_or_default(),
        })
    }

    /// Measures.
    pub(crate) async fn run(&self, place: &Place) -> anyhow::Result<Vec<Row>> {
        let figures = match &self.kind {
            Kind::Memory(memory) => memory.run(place).await?,
            Kind::Latency(latency) => latency.run(place).await?,
            Kind::Sweep(sweep) => sweep.run(place).await?,
            Kind::Cluster(cluster) => cluster.run(place).await?,
        };
        self.judge(figures)
    }

    /// Whether it can measure processes that somebody else started.
    pub(crate) const fn takes_others(&self) -> bool {
        matches!(self.kind, Kind::Latency(_))
    }

    /// Whether it can be measured: with the system tests only what is theirs is, without them all but that.
    pub(crate) const fn belongs_to(&self, place: &Place) -> bool {
        place.harness.is_some() == matches!(self.kind, Kind::Cluster(_))
    }

    fn judge(&self, figures: Vec<Figure>) -> anyhow::Result<Vec<Row>> {
        for ending in self.targets.keys().chain(self.at_least.keys()) {
            let is_measured = figures.iter().any(|figure| figure.name.ends_with(ending.as_str()));
            ensure!(is_measured, "{}: no figure for the target {ending:?}", self.name);
        }
        let target = |name: &str| {
            let find = |bounds: &BTreeMap<String, f64>| {
                bounds.iter().find(|(ending, _)| name.ends_with(*ending)).map(|(_, bound)| *bound)
            };
            let most = find(&self.targets).map(Target::AtMost);
            most.or_else(|| find(&self.at_least).map(Target::AtLeast))
        };
        let row = |figure: Figure| {
            let target = target(&figure.name);
            Row::new(&self.name, figure, target)
        };
        Ok(figures.into_iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEEP: &str = "kind = \"sweep\"\nworkers = [100, 1000]\nrepeat = 40\njobs = [\"a\"]\n\
                         [targets]\n\"growth\" = 12\n[quick]\nrepeat = 3\n";

    fn sweep(quick: bool) -> Scenario {
        Scenario::parse("sweep".to_owned(), SWEEP, quick).unwrap()
    }

    #[test]
    fn quick_keys_stand_in_for_the_usual_ones() {
        for (quick, repeat) in [(false, 40), (true, 3)] {
            let Kind::Sweep(parsed) = sweep(quick).kind else { unreachable!() };

            assert_eq!((parsed.repeat, parsed.workers), (repeat, vec![100, 1000]), "{quick}");
        }
    }

    #[test]
    fn a_target_is_for_all_figures_that_end_with_its_name() {
        let figure = |name: &str, value| Figure::new(name, value, "×");

        let rows = sweep(false).judge(vec![
            figure("a: growth", 10.0),
            figure("b: growth", 13.0),
            figure("b: time", 1e6),
        ]);

        let met: Vec<_> = rows.unwrap().into_iter().map(|row| row.met).collect();
        assert_eq!(met, [Some(true), Some(false), None]);
    }

    #[test]
    fn a_target_without_a_figure_is_an_error() {
        let err = sweep(false).judge(vec![Figure::new("a: time", 1.0, "ms")]).unwrap_err();

        assert!(err.to_string().contains("growth"), "{err}");
    }

    #[test]
    fn every_scenario_of_the_repository_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();

        assert!(paths.len() >= 3, "{paths:?}");
        for path in paths {
            for quick in [false, true] {
                Scenario::read(&path, quick).unwrap();
            }
        }
    }
}
