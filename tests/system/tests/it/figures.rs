//! How long it takes: take-overs, an event's way to another process, a backlog.
//!
//! Nothing here judges a time. With the rest of the tests two tries show that the measurement works; the
//! benchmark asks for twenty with `CCM_FIGURES_TRIES`, reads what `CCM_FIGURES_OUT` then holds, and compares.

mod backlog;
mod fleet;
mod stream;
mod takeover;

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::place::optional;

/// How often each figure is taken when nobody says: enough to see that it can be.
const TRIES: usize = 2;

/// Values of one figure, one or more for each try.
#[derive(Debug)]
struct Figure {
    name: &'static str,
    unit: &'static str,
    values: Vec<f64>,
}

impl Figure {
    const fn millis(name: &'static str) -> Self {
        Self::new(name, "ms")
    }

    const fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, values: Vec::new() }
    }

    fn add(&mut self, took: Duration) {
        self.values.push(took.as_secs_f64() * 1e3);
    }

    /// Returns the smallest value that at least `share` of all are not above.
    fn at(&self, share: f64) -> f64 {
        let rank = (self.values.len() as f64 * share).ceil().max(1.0) as usize;
        self.values[rank.min(self.values.len()) - 1]
    }

    /// Prints it, and adds it to the benchmark's lines.
    fn tell(mut self) {
        let Self { name, unit, .. } = self;
        assert!(!self.values.is_empty(), "{name} was measured");
        self.values.sort_unstable_by(f64::total_cmp);
        let n = self.values.len();
        let [min, p50, p99, max] = [0.0, 0.5, 0.99, 1.0].map(|share| self.at(share));
        println!("figure: {name} {unit} n={n} min={min:.1} p50={p50:.1} p99={p99:.1} max={max:.1}");
        let Some(path) = optional("CCM_FIGURES_OUT") else { return };
        let line = json!({
            "figure": name, "unit": unit, "n": n, "min": min, "p50": p50, "p99": p99, "max": max,
        });
        let mut lines = File::options().create(true).append(true).open(path).unwrap();
        writeln!(lines, "{line}").unwrap();
    }
}

fn tries() -> usize {
    let given = optional("CCM_FIGURES_TRIES")
        .map(|tries| tries.parse().expect("CCM_FIGURES_TRIES is a number"));
    given.unwrap_or(TRIES).max(1)
}

#[test]
fn a_quantile_is_a_value_that_was_measured() {
    let figure =
        Figure { values: (1..=20).map(f64::from).collect(), ..Figure::millis("a_figure_ms") };

    assert_eq!([0.0, 0.5, 0.95, 0.99, 1.0].map(|share| figure.at(share)), [1., 10., 19., 20., 20.]);
}
