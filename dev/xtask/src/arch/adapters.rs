//! In a service, `wiring.rs` is the only file that names an adapter.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::rules::{ADAPTERS, SERVICES};

/// Returns one sentence for each source file of a service that names an adapter.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| concerned(file)) {
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("read {}", file.display()))?;
        faults.extend(named(&text).map(|(line, adapter)| {
            format!("{}:{line}: names {adapter}; only wiring.rs may", file.display())
        }));
    }
    Ok(faults)
}

/// Whether `file` is a source of a service, but not its wiring and not a test.
fn concerned(file: &Path) -> bool {
    let mut parts = file.iter().filter_map(|part| part.to_str());
    let in_service = parts.next() == Some("services")
        && parts.next().is_some_and(|name| SERVICES.contains(&name))
        && parts.next() == Some("src");
    let wiring = file.iter().any(|part| part == "wiring") || file.ends_with("wiring.rs");
    in_service
        && !wiring
        && !file.ends_with("tests.rs")
        && file.extension().is_some_and(|extension| extension == "rs")
}

fn named(text: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    text.lines().enumerate().flat_map(|(index, line)| {
        let code = line.split("//").next().unwrap_or_default();
        ADAPTERS
            .iter()
            .filter(move |adapter| {
                code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == **adapter)
            })
            .map(move |adapter| (index + 1, *adapter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_of_services_are_concerned() {
        for (file, expected) in [
            ("services/api/src/router.rs", true),
            ("services/api/src/live/feed.rs", true),
            ("services/api/src/wiring.rs", false),
            ("services/standalone/src/wiring/simulated.rs", false),
            ("services/api/src/live/tests.rs", false),
            ("services/api/tests/it/app.rs", false),
            ("services/api/defaults.toml", false),
            ("shared/app/src/lib.rs", false),
        ] {
            assert_eq!(concerned(Path::new(file)), expected, "{file}");
        }
    }

    #[test]
    fn a_named_adapter_is_found_with_its_line_and_comments_are_not() {
        let text = "//! See `ccm_store`.\nuse ccm_app::Fleet;\nuse ccm_store::embedded;\n";

        assert_eq!(named(text).collect::<Vec<_>>(), [(3, "ccm_store")]);
    }
}
