//! The scoreboard: figures, what they should be, and what became of that.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::machine::Machine;

/// Something measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

/// A figure of a scenario with its target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    #[serde(flatten)]
    pub(crate) figure: Figure,
    /// The most that it should be, or the least; none when it is told for orientation.
    pub(crate) target: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) at_least: bool,
    pub(crate) met: Option<bool>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// A run of all scenarios.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) date: String,
    pub(crate) commit: String,
    /// How it was built.
    pub(crate) profile: String,
    /// The store that the processes shared, for scenarios of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,
    pub(crate) machine: Machine,
    /// Load of the machine over the minute before, and over the last minute of it.
    pub(crate) load_before: f64,
    pub(crate) load_after: f64,
    pub(crate) rows: Vec<Row>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit }
    }

    pub(crate) fn millis(name: impl Into<String>, time: std::time::Duration) -> Self {
        Self::new(name, time.as_secs_f64() * 1e3, "ms")
    }
}

impl Row {
    pub(crate) fn new(scenario: &str, figure: Figure, target: Option<Target>) -> Self {
        let (value, at_least) = (figure.value, matches!(target, Some(Target::AtLeast(_))));
        let (target, met) = match target {
            Some(Target::AtMost(most)) => (Some(most), Some(value <= most)),
            Some(Target::AtLeast(least)) => (Some(least), Some(value >= least)),
            None => (None, None),
        };
        Self { scenario: scenario.to_owned(), figure, target, at_least, met }
    }

    const fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        }
    }

    fn cells(&self) -> [String; 5] {
        let Figure { name, value, unit } = &self.figure;
        let sign = if self.at_least { '≥' } else { '≤' };
        let target = self.target.map(|bound| format!("{sign} {}", short(bound)));
        let value = format!("{} {unit}", short(*value)).trim_end().to_owned();
        [
            self.scenario.clone(),
            name.clone(),
            value,
            target.unwrap_or_default(),
            self.verdict().to_owned(),
        ]
    }
}

impl Report {
    /// Returns the table for a terminal.
    pub(crate) fn table(&self) -> String {
        let head = ["scenario", "figure", "value", "target", "verdict"].map(str::to_owned);
        let lines: Vec<_> = std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect();
        let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max().unwrap_or(0);
        let widths: [usize; 5] = std::array::from_fn(width);
        let mut text = String::new();
        for [scenario, figure, value, target, verdict] in &lines {
            let [a, b, c, d, _] = widths;
            let line =
                format!("{scenario:<a$}  {figure:<b$}  {value:>c$}  {target:>d$}  {verdict}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Returns the same as a Markdown document.
    pub(crate) fn markdown(&self) -> String {
        let Machine { cpu, cores, memory_gib, kernel } = &self.machine;
        let Self { date, commit, profile, .. } = self;
        let (made_by, store) = match &self.store {
            Some(store) => ("bench/run --only cluster", format!("; the store is {store}")),
            None => ("make bench", String::new()),
        };
        let mut text = format!(
            "# Benchmarks of {date}\n\nCommit `{commit}`, profile `{profile}`{store}, made by `{made_by}`. {cpu}, {cores} cores, \
             {memory_gib} GiB, Linux {kernel}; the client shares the cores with the product. Load of the \
             machine {:.2} before and {:.2} after.\n\n| Scenario | Figure | Value | Target | Verdict |\n\
             |---|---|---:|---:|---|\n",
            self.load_before, self.load_after,
        );
        for row in &self.rows {
            let [scenario, figure, value, target, verdict] = row.cells();
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {scenario} | {figure} | {value} | {target} | {verdict} |");
        }
        text
    }

    /// Writes `latest.md` and one JSON file for the day and the machine; those of a shared store apart.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let part = if self.store.is_some() { "-cluster" } else { "" };
        let name = format!("{}{part}-{}.json", self.date, self.machine.slug());
        let latest = format!("latest{part}.md");
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        for (name, text) in [(name.as_str(), json), (latest.as_str(), self.markdown())] {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Three digits that count; more would be noise.
fn short(value: f64) -> String {
    match value.abs() {
        zero if zero < 0.000_5 => "0".to_owned(),
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_meets_its_target_up_to_and_with_it() {
        let (most, least) = (Some(Target::AtMost(60.0)), Some(Target::AtLeast(60.0)));
        for (value, target, verdict) in [
            (60.0, most, "met"),
            (60.1, most, "MISSED"),
            (f64::NAN, most, "MISSED"),
            (60.0, least, "met"),
            (59.9, least, "MISSED"),
            (f64::NAN, least, "MISSED"),
            (1e9, None, ""),
        ] {
            let row = Row::new("memory", Figure::new("resident", value, "MiB"), target);

            assert_eq!(row.verdict(), verdict, "{value} of {target:?}");
        }
    }

    #[test]
    fn the_table_is_aligned() {
        let machine =
            Machine { cpu: "a".to_owned(), cores: 1, memory_gib: 1, kernel: "6".to_owned() };
        let rows = vec![
            Row::new("memory", Figure::new("resident", 12.34, "MiB"), Some(Target::AtMost(60.0))),
            Row::new("sweep", Figure::new("growth", 9.0, "×"), None),
            Row::new("cluster", Figure::new("rate", 5e3, "/s"), Some(Target::AtLeast(5e3))),
        ];
        let report = Report {
            date: "2026-01-01".to_owned(),
            commit: "abc".to_owned(),
            profile: "release".to_owned(),
            store: None,
            machine,
            load_before: 0.0,
            load_after: 0.0,
            rows,
        };

        let expected = "scenario  figure       value  target  verdict\n\
                        memory    resident  12.3 MiB  ≤ 60.0  met\n\
                        sweep     growth      9.00 ×\n\
                        cluster   rate       5000 /s  ≥ 5000  met\n";
        assert_eq!(report.table(), expected);
    }
}
