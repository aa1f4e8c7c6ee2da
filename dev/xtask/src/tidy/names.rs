//! Names that say nothing, and text that belongs to one machine.

use super::Source;

/// Words that hide what a file is about.
const BANNED: [&str; 12] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "impl", "info",
    "data", "base",
];

/// Starts of paths that exist on one machine only. Built from halves, so that this file passes.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

/// Text that must not be in sources, and why.
const BANNED_TEXT: [(&str, &str); 2] = [
    (concat!("#[ign", "ore"), "a test that does not run is no test"),
    (concat!("FIX", "ME"), "open an issue and name it"),
];

/// Returns the fault of a file's name.
pub(super) fn check_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let (stem, ending) = file.split_once('.').unwrap_or((file, ""));
    if file == "mod.rs" {
        return Some(format!("{path}: `foo.rs` beside `foo/`, not `foo/mod.rs`"));
    }
    // In a chart or a document the words can be the subject itself.
    if !matches!(ending, "rs" | "ts" | "tsx" | "js" | "mjs" | "py" | "sh") {
        return None;
    }
    let word =
        stem.split(['_', '-']).find(|word| BANNED.contains(&word.to_lowercase().as_str()))?;
    Some(format!("{path}: {word:?} does not say what is inside"))
}

/// Returns the faults of a file's text.
pub(super) fn check_text(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let place = || format!("{}:{}", source.path, index + 1);
        if let Some(path) = MACHINE_PATHS.iter().find(|path| names_machine_path(line, path)) {
            faults.push(format!("{}: {path}… exists on one machine only", place()));
        }
        if !source.path.ends_with(".md")
            && let Some((text, reason)) = BANNED_TEXT.iter().find(|(text, _)| line.contains(text))
        {
            faults.push(format!("{}: {text}: {reason}", place()));
        }
    }
    faults
}

/// Whether `line` has `path` at the start of a path, not in the middle of one.
fn names_machine_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_refused() {
        for (path, fits) in [
            ("shared/app/src/workers.rs", true),
            ("shared/app/src/database.rs", true),
            ("helm/ccm/templates/api/service.yaml", true),
            ("shared/app/src/utils.rs", false),
            ("shared/app/src/worker_helper.rs", false),
            ("web/src/parts/base.tsx", false),
            ("shared/app/src/workers/mod.rs", false),
        ] {
            assert_eq!(check_name(path).is_none(), fits, "{path}");
        }
    }

    #[test]
    fn paths_of_one_machine_are_refused_and_routes_are_not() {
        for (line, fits) in [
            ("GET /api/v1/workers", true),
            ("https://host/home/page", true),
            ("../home/ann", true),
            (concat!("cd /ho", "me/ann"), false),
            (concat!("\"/ro", "ot/.cache\""), false),
            (concat!("path=/Us", "ers/ann"), false),
        ] {
            let source =
                Source { path: "x.rs".to_owned(), text: line.to_owned(), generated: false };
            assert_eq!(check_text(&source).is_empty(), fits, "{line}");
        }
    }
}
