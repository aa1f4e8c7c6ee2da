//! The fields of log lines: those of the dictionary, and those that the code writes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};

/// The source that is the dictionary.
pub(crate) const DICTIONARY: &str = "shared/telemetry/src/fields.rs";

/// What macros that write log lines are called. What follows their message is put into it, and is no field.
const LINES: [&str; 5] = ["error!", "warn!", "info!", "debug!", "trace!"];

/// The macro of spans, whose fields each line below them carries; they begin with a name.
const SPAN: &str = "info_span!";

/// Reads the dictionary: each field with what it says.
pub(crate) fn dictionary(root: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let source = std::fs::read_to_string(root.join(DICTIONARY)).context("read the dictionary")?;
    let all = entries(&source);
    ensure!(!all.is_empty(), "{DICTIONARY} has no field");
    Ok(all)
}

/// Returns the pairs of literals that a source is made of, whatever lines they are on.
fn entries(source: &str) -> BTreeMap<String, String> {
    let code: Vec<&str> =
        source.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    let text = code.join("\n");
    let literals: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    literals
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[name, says]| ((*name).to_owned(), (*says).to_owned()))
        .collect()
}

/// Whether a file may write log lines of a server.
pub(crate) fn writes_lines(path: &str) -> bool {
    let is_server = path.starts_with("shared/") || path.starts_with("services/");
    is_server && path.contains("/src/") && path.ends_with(".rs") && !path.ends_with("tests.rs")
}

/// Returns the fields that a source writes, once for each time.
pub(crate) fn written(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let is_literal = |argument: &&str| argument.starts_with('"');
    let lines = LINES.iter().flat_map(|called| calls(code, called)).flat_map(|arguments| {
        arguments.into_iter().take_while(|argument| !is_literal(argument)).collect::<Vec<_>>()
    });
    let spans = calls(code, SPAN).into_iter().flatten().filter(|argument| !is_literal(argument));
    lines.chain(spans).filter_map(field).collect()
}

/// Returns the arguments of each call of a macro.
fn calls<'a>(code: &'a str, called: &str) -> Vec<Vec<&'a str>> {
    let mut all = Vec::new();
    for (at, _) in code.match_indices(&format!("{called}(")) {
        if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            all.push(arguments(&code[at + called.len() + 1..]));
        }
    }
    all
}

/// Splits what follows an opening bracket into its arguments, up to the bracket that closes it.
fn arguments(text: &str) -> Vec<&str> {
    let (mut all, mut from, mut depth, mut quoted) = (Vec::new(), 0, 0_u32, false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                all.push(text[from..at].trim());
                from = at + 1;
            }
            ')' | ']' | '}' => {
                all.push(text[from..at].trim());
                return all;
            }
            _ => {}
        }
    }
    all
}

/// Returns the name of the field that an argument writes; none when there is no argument.
fn field(argument: &str) -> Option<String> {
    let name = argument.split('=').next().unwrap_or_default();
    let name = name.trim().trim_start_matches(['%', '?']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_wherever_they_are_written() {
        let source = r#"
            tracing::info!(worker.id = %id, error, "a, {} = {name}", call(a, b), name = 1, id);
            let span = tracing::info_span!("run", run.id = %run.id, trace_id);
            warn!(
                ?state,
                leader.epoch = epoch.0,
                "\"quoted\", {x}",
                x = (1, 2)
            );
            my_error!(nothing = 1);
            #[cfg(test)]
            mod tests { fn t() { info!(secret = 1); } }
        "#;

        let mut found = written(source);
        found.sort_unstable();

        let expected = ["error", "leader.epoch", "run.id", "state", "trace_id", "worker.id"];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_dictionary_is_read_over_lines() {
        let source = "//! \"no\"\npub const ALL: [(&str, &str); 2] = [\n(\"a.b\", \"One\"),\n(\n    \"c\",\n\"Two\",\n),\n];";

        let found = entries(source);

        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("a.b".to_owned(), "One".to_owned()), ("c".to_owned(), "Two".to_owned()),]
        );
    }
}
