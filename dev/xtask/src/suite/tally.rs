//! Counts tests from what test runners print: cargo, vitest, node, pytest.

use std::fmt;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Tally {
    /// Adds what one line of a runner's output says, if it is a closing line.
    pub(super) fn read(&mut self, line: &str) {
        let line = without_colors(line);
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("test result:") {
            self.read_counts(counts);
        } else if let Some(counts) = line.strip_prefix("Tests  ") {
            self.read_counts(counts);
        } else if let Some(counts) = pytest(line).or_else(|| plain(line)) {
            self.read_counts(counts);
        } else if let Some((word, count)) = node(line) {
            self.count(word, count);
        }
    }

    /// Adds another tally.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Reads pairs of a number and a word: `3 passed; 1 failed`, `3 passed | 1 skipped (4)`.
    fn read_counts(&mut self, counts: &str) {
        let words: Vec<_> = counts
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '.' | '='))
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            if let Ok(count) = pair[0].parse() {
                self.count(pair[1], count);
            }
        }
    }

    fn count(&mut self, word: &str, count: u64) {
        match word {
            "passed" | "pass" | "xpassed" => self.passed += count,
            "failed" | "fail" | "error" | "errors" | "cancelled" => self.failed += count,
            "ignored" | "skipped" | "todo" | "xfailed" | "deselected" => self.skipped += count,
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// `=== 3 passed, 1 skipped in 0.52s ===`, or the same without bars when it is quiet.
fn pytest(line: &str) -> Option<&str> {
    let bare = line.trim_matches('=').trim();
    let (counts, time) = bare.rsplit_once(" in ")?;
    let is_time = time.split(' ').next()?.strip_suffix('s')?.parse::<f64>().is_ok();
    let starts_with_count = counts.split(' ').next()?.parse::<u64>().is_ok();
    (is_time && starts_with_count).then_some(counts)
}

/// `3 passed, 1 failed`, alone on its line: scripts of our own.
fn plain(line: &str) -> Option<&str> {
    let mut pairs = line.split(", ").map(|pair| pair.split_once(' '));
    let all_counts = pairs.all(|pair| {
        pair.is_some_and(|(count, word)| {
            count.parse::<u64>().is_ok() && matches!(word, "passed" | "failed" | "skipped")
        })
    });
    all_counts.then_some(line)
}

/// `# pass 5` or `ℹ pass 5`.
fn node(line: &str) -> Option<(&str, u64)> {
    let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    let (word, count) = rest.split_once(' ')?;
    Some((word, count.parse().ok()?))
}

fn without_colors(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut parts = line.split('\u{1b}');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        text.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> (u64, u64, u64) {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.read(line));
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn closing_lines_of_every_runner_are_read() {
        for (lines, counts) in [
            (
                "test result: ok. 6 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
                (6, 0, 1),
            ),
            ("test result: FAILED. 5 passed; 1 failed; 0 ignored", (5, 1, 0)),
            (" Test Files  2 passed (2)\n      Tests  12 passed (12)", (12, 0, 0)),
            ("      Tests  1 failed | 11 passed | 2 skipped (14)", (11, 1, 2)),
            (
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (7)\u{1b}[39m",
                (7, 0, 0),
            ),
            ("ℹ tests 4\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0", (3, 0, 1)),
            ("# tests 4\n# pass 3\n# fail 1\n# duration_ms 12.3", (3, 1, 0)),
            ("==== 3 passed, 1 skipped, 2 warnings in 0.52s ====", (3, 0, 1)),
            ("2 failed, 8 passed in 71.02s (0:01:11)", (8, 2, 0)),
            ("1 error in 0.10s", (0, 1, 0)),
            ("57 passed, 1 failed", (57, 1, 0)),
        ] {
            assert_eq!(read(lines), counts, "{lines}");
        }
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "running 6 tests",
            "test layers::a ... ok",
            "3 passed the gate in town",
            "✓ test/a.test.ts (3 tests) 4ms",
            " Test Files  2 passed (2)",
            "# Subtest: fleet",
            "3 passed the gate, 4 failed",
        ] {
            assert_eq!(read(line), (0, 0, 0), "{line}");
        }
    }
}
