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
    /// The most that it should be; none when it is told for orientation.
    pub(crate) target: Option<f64>,
    pub(crate) met: Option<bool>,
}

/// A run of all scenarios.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) date: String,
    pub(crate) commit: String,
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
    pub(crate) fn new(scenario: &str, figure: Figure, target: Option<f64>) -> Self {
        let met = target.map(|most| figure.value <= most);
        Self { scenario: scenario.to_owned(), figure, target, met }
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
        let target = self.target.map(|most| format!("≤ {}", short(most))).unwrap_or_default();
        let value = format!("{} {unit}", short(*value)).trim_end().to_owned();
        [self.scenario.clone(), name.clone(), value, target, self.verdict().to_owned()]
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
        let (date, commit) = (&self.date, &self.commit);
        let mut text = format!(
            "# Benchmarks of {date}\n\nCommit `{commit}`, made by `make bench`. {cpu}, {cores} cores, \
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

    /// Writes `latest.md` and one JSON file for the day and the machine.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let name = format!("{}-{}.json", self.date, self.machine.slug());
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        for (name, text) in [(name.as_str(), json), ("latest.md", self.markdown())] {
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
        for (value, target, verdict) in [
            (60.0, Some(60.0), "met"),
            (60.1, Some(60.0), "MISSED"),
            (f64::NAN, Some(60.0), "MISSED"),
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
            Row::new("memory", Figure::new("resident", 12.34, "MiB"), Some(60.0)),
            Row::new("sweep", Figure::new("growth", 9.0, "×"), None),
        ];
        let report = Report {
            date: "2026-01-01".to_owned(),
            commit: "abc".to_owned(),
            machine,
            load_before: 0.0,
            load_after: 0.0,
            rows,
        };

        let expected = "scenario  figure       value  target  verdict\n\
                        memory    resident  12.3 MiB  ≤ 60.0  met\n\
                        sweep     growth      9.00 ×\n";
        assert_eq!(report.table(), expected);
    }
}
