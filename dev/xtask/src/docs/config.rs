//! `docs/CONFIG.md` from the `defaults.toml` of each server.
//!
//! A defaults file is written for this: a comment above each key says what it means, with unit and
//! range; `# key = value` is an option without a default.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};

const SERVERS: [&str; 4] = ["api", "scheduler", "relay", "standalone"];

const HEAD: &str = "\
# Configuration

Made by `cargo xtask docs --write` from the `defaults.toml` of each server; do not edit.

Every server reads its compiled-in defaults, then the file given with `--config`, then the
environment (`CCM_<SECTION>__<KEY>`; with `_FILE` at the end the variable names a file that holds
the value). Unknown keys are errors. `--print-config` shows what is in force and where it came from.
Lists in the environment are TOML arrays or words between commas.
";

/// One option.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    key: String,
    /// `None` for an option without a default.
    default: Option<String>,
    meaning: String,
}

/// Returns the document for all servers that have a defaults file.
pub(super) fn document(root: &Path) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for server in SERVERS {
        let path = root.join("services").join(server).join("defaults.toml");
        let Ok(defaults) = std::fs::read_to_string(&path) else { continue };
        let settings = read(&defaults).with_context(|| format!("read {}", path.display()))?;
        write!(text, "\n## ccm-{server}\n\n{}", table(&settings))?;
    }
    Ok(text)
}

fn table(settings: &[Setting]) -> String {
    let mut text = String::from("| Key | Variable | Default | Meaning |\n|---|---|---|---|\n");
    for Setting { key, default, meaning } in settings {
        let variable = format!("CCM_{}", key.to_uppercase().replace('.', "__"));
        let default = default.as_ref().map_or_else(|| "none".to_owned(), |it| format!("`{it}`"));
        let row = [format!("`{key}`"), format!("`{variable}`"), default, meaning.clone()];
        let row: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// Reads a defaults file; fails on a key that nobody explained.
fn read(defaults: &str) -> anyhow::Result<Vec<Setting>> {
    // The lines are read one by one for their comments, so the whole must be right first.
    defaults.parse::<toml::Table>().context("no valid TOML")?;
    let mut settings: Vec<Setting> = Vec::new();
    let mut section = String::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut lines = defaults.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            comment.clear();
        } else if let Some(name) = line.strip_prefix('[') {
            // What stands above a section is about the section.
            comment.clear();
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, default)) = optional(line) {
            settings.push(setting(&section, key, None, &comment, default)?);
            comment.clear();
        } else if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some((key, value)) = line.split_once('=') {
            let mut value = value.trim().to_owned();
            // An array may go on over several lines.
            while value.starts_with('[') && value.matches('[').count() > value.matches(']').count()
            {
                value += lines.next().unwrap_or("]").trim();
            }
            settings.push(setting(&section, key.trim(), Some(value), &comment, "")?);
            comment.clear();
        }
    }
    Ok(settings)
}

fn setting(
    section: &str,
    key: &str,
    default: Option<String>,
    comment: &[&str],
    example: &str,
) -> anyhow::Result<Setting> {
    let key = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
    ensure!(!comment.is_empty(), "{key} has no comment that says what it means");
    let example = if example.is_empty() { String::new() } else { format!(" Example: `{example}`") };
    Ok(Setting { key, default, meaning: comment.join(" ") + &example })
}

/// Reads `# key = value`, an option that is off unless somebody sets it.
fn optional(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix('#')?.trim().split_once(" = ")?;
    let is_key = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.');
    is_key.then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_with_section_default_and_meaning() {
        let settings = read(
            "# About the file.\n\n# The public port.\n[http]\n# Address and port;\n# 0 = any.\n\
             listen = \"0.0.0.0:8080\"\n\n[telemetry]\n# Where traces go.\n\
             # otlp_endpoint = \"http://host:4317\"\n\n# Regions.\nregions = [\n  \"a\",\n]\n",
        )
        .unwrap();

        let flat: Vec<_> = settings
            .iter()
            .map(|it| (it.key.as_str(), it.default.as_deref(), it.meaning.as_str()))
            .collect();
        assert_eq!(
            flat,
            [
                ("http.listen", Some("\"0.0.0.0:8080\""), "Address and port; 0 = any."),
                (
                    "telemetry.otlp_endpoint",
                    None,
                    "Where traces go. Example: `\"http://host:4317\"`"
                ),
                ("telemetry.regions", Some("[\"a\",]"), "Regions."),
            ]
        );
    }

    #[test]
    fn a_key_that_nobody_explained_is_refused() {
        let err = read("[http]\nlisten = \"x\"\n").unwrap_err();

        assert!(err.to_string().contains("http.listen"), "{err}");
    }

    #[test]
    fn the_table_names_the_variable_and_escapes_bars() {
        let settings = read("[a.b]\n# One | two.\nkey = 1\n").unwrap();

        assert!(table(&settings).contains("| `a.b.key` | `CCM_A__B__KEY` | `1` | One \\| two. |"));
    }
}
