//! `docs/METRICS.md` from the places where instruments are made.
//!
//! An instrument is made with its name and what it says as literals: `meter.u64_counter("ccm_…")
//! .with_description("…")`, or through a closure that takes both, whose name says the kind. One without a
//! description is refused. That nothing is measured that is not listed is checked by the system tests, which
//! read `/metrics` of real processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::repo;

const HEAD: &str = "\
# Metrics

Made by `cargo xtask docs --write` from where the instruments are made; do not edit.

Each process tells its own at `/metrics` of its admin port, in Prometheus' text format. Names that end in `_seconds`
and are histograms have buckets from a millisecond to five minutes. Labels are closed sets: no ids, no addresses.
`target_info`, which OpenTelemetry adds, names the process. [Operations](OPERATIONS.md) says which of them to look at
when.

| Metric | Kind | Made by | Says |
|---|---|---|---|
";

/// What literals with names of metrics begin with.
const NAMES: [&str; 2] = ["\"ccm_", "\"process_"];

/// An instrument.
#[derive(Debug, Default, PartialEq, Eq)]
struct Instrument {
    kind: &'static str,
    says: String,
    made_by: Vec<String>,
}

/// Returns the document.
pub(super) fn document(root: &Path) -> anyhow::Result<String> {
    let mut all = BTreeMap::new();
    for path in repo::files(root)? {
        let Some(from) = crate_of(&path) else { continue };
        let source = std::fs::read_to_string(root.join(&path))
            .with_context(|| format!("read {}", path.display()))?;
        collect(&source, &from, &mut all).with_context(|| format!("in {}", path.display()))?;
    }
    let mut text = HEAD.to_owned();
    for (name, Instrument { kind, says, made_by }) in all {
        let says = says.replace('|', "\\|");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {says} |", made_by.join(", "));
    }
    Ok(text)
}

/// Returns the crate that a source file is of; none for tests and for what is no part of a server.
fn crate_of(path: &Path) -> Option<String> {
    let mut parts = path.iter().filter_map(|part| part.to_str());
    let (Some("shared" | "services"), Some(name), Some("src")) =
        (parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let is_source = path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs");
    is_source.then(|| format!("ccm-{name}"))
}

/// Adds the instruments that a source makes.
fn collect(source: &str, from: &str, all: &mut BTreeMap<String, Instrument>) -> anyhow::Result<()> {
    let mut rest = source.split("#[cfg(test)]").next().unwrap_or_default();
    while let Some(at) = NAMES.iter().filter_map(|start| rest.find(start)).min() {
        let (before, literal) = rest.split_at(at);
        let (text, after) = read_literal(literal)?;
        rest = after;
        let Some(kind) = kind_of(before) else { continue };
        let says = description(after)
            .with_context(|| format!("{text} has no description that can be read"))?;
        let known = all.entry(text.clone()).or_default();
        ensure!(
            known.made_by.is_empty() || (known.kind, &known.says) == (kind, &says),
            "{text} is made twice and says something else"
        );
        (known.kind, known.says) = (kind, says);
        if !known.made_by.iter().any(|it| it == from) {
            known.made_by.push(from.to_owned());
        }
    }
    Ok(())
}

/// Returns the kind that is made when `before` ends in the call of what makes it.
fn kind_of(before: &str) -> Option<&'static str> {
    let call = before.trim_end().strip_suffix('(')?;
    let name = call.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    // What goes up and down is a gauge for whoever reads it.
    [
        ("histogram", "histogram"),
        ("up_down_counter", "gauge"),
        ("counter", "counter"),
        ("gauge", "gauge"),
    ]
    .into_iter()
    .find_map(|(end, kind)| name.ends_with(end).then_some(kind))
}

/// Returns the literal that describes an instrument, given what follows its name.
fn description(after: &str) -> anyhow::Result<String> {
    let after = after.trim_start();
    let literal = match after.strip_prefix(',') {
        Some(next) => next,
        None => {
            let call = after.strip_prefix(')').unwrap_or(after).trim_start();
            call.strip_prefix(".with_description(").context("no call of `with_description`")?
        }
    };
    let (text, _) = read_literal(literal.trim_start())?;
    ensure!(!text.is_empty(), "it is empty");
    Ok(text)
}

/// Reads the string literal that `text` begins with; returns what it says, and what follows.
fn read_literal(text: &str) -> anyhow::Result<(String, &str)> {
    let Some(inside) = text.strip_prefix('"') else { bail!("no literal") };
    let (mut read, mut chars) = (String::new(), inside.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((read, &inside[at + 1..])),
            '\\' => match chars.next() {
                // The line goes on at the first word of the next one.
                Some((_, '\n')) => {
                    let next = chars.as_str();
                    let skipped = next.len() - next.trim_start().len();
                    chars.by_ref().take(next[..skipped].chars().count()).for_each(drop);
                }
                Some((_, escaped)) => read.push(escaped),
                None => break,
            },
            c => read.push(c),
        }
    }
    bail!("a literal does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> anyhow::Result<BTreeMap<String, Instrument>> {
        let mut all = BTreeMap::new();
        collect(source, "ccm-x", &mut all)?;
        Ok(all)
    }

    #[test]
    fn both_ways_to_make_an_instrument_are_read() {
        let all = found(
            r#"
            meter
                .f64_histogram("ccm_a_seconds")
                .with_description(
                    "How long, \
                     by \"kind\"",
                )
                .build();
            gauge("ccm_b", "How many", |x| x);
            meter.i64_up_down_counter("ccm_c").with_description("Up and down");
            let cookie = format("ccm_no_metric");
            #[cfg(test)]
            meter.u64_counter("ccm_d");
            "#,
        )
        .unwrap();

        let seen: Vec<_> =
            all.iter().map(|(name, it)| (name.as_str(), it.kind, it.says.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("ccm_a_seconds", "histogram", "How long, by \"kind\""),
                ("ccm_b", "gauge", "How many"),
                ("ccm_c", "gauge", "Up and down"),
            ]
        );
    }

    #[test]
    fn an_instrument_that_says_nothing_is_refused() {
        for source in [
            r#"meter.u64_counter("ccm_a_total").build()"#,
            r#"meter.u64_counter("ccm_a_total").with_description("")"#,
            r#"counter("ccm_a_total", TEXT)"#,
            r#"counter("ccm_a", "One"); counter("ccm_a", "Other")"#,
        ] {
            assert!(found(source).is_err(), "{source}");
        }
    }
}
