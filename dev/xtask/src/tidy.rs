//! `cargo xtask tidy`: sizes, names, links, machine paths and log fields of all files that git knows.

mod fields;
mod links;
mod names;
mod sizes;

use std::path::{Path, PathBuf};

use crate::{log_fields, repo};

/// Endings of files whose text is checked.
const TEXT: [&str; 17] = [
    "rs", "toml", "md", "ts", "tsx", "js", "mjs", "cjs", "css", "html", "json", "yaml", "yml",
    "py", "sh", "sql", "txt",
];

/// A file with its text.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the top folder, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Made by a tool and committed: marked `linguist-generated`, or a lock file.
    pub(crate) generated: bool,
}

/// Checks the repository and prints the three largest files of each crate.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = repo::root()?;
    let files = repo::files(&root)?;
    let sources = read(&root, &files);
    for line in sizes::largest(&sources) {
        repo::say(&line);
    }
    let mut faults = check(&root, &sources);
    faults.extend(fields::check(&sources, &log_fields::dictionary(&root)?));
    repo::report("tidy", &faults)
}

fn check(root: &Path, sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        faults.extend(sizes::check(source));
        faults.extend(names::check_name(&source.path));
        if !source.generated {
            faults.extend(names::check_text(source));
        }
        faults.extend(links::check(root, source));
    }
    faults
}

/// Reads all text files; what is no UTF-8 is no text.
fn read(root: &Path, files: &[PathBuf]) -> Vec<Source> {
    let attributes = std::fs::read_to_string(root.join(".gitattributes")).unwrap_or_default();
    let generated = generated_patterns(&attributes);
    files
        .iter()
        .filter(|file| is_text(file))
        .filter_map(|file| {
            let path = file.to_str()?.replace('\\', "/");
            let text = std::fs::read_to_string(root.join(file)).ok()?;
            let generated = is_lock(&path) || generated.iter().any(|one| covers(one, &path));
            Some(Source { path, text, generated })
        })
        .collect()
}

fn is_text(file: &Path) -> bool {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some(extension) => TEXT.contains(&extension),
        // `Makefile`, `dev/setup` and the like.
        None => true,
    }
}

fn is_lock(path: &str) -> bool {
    path.ends_with("package-lock.json") || path.ends_with("Cargo.lock")
}

fn generated_patterns(attributes: &str) -> Vec<String> {
    attributes
        .lines()
        .filter(|line| line.contains("linguist-generated") && !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Whether a `.gitattributes` pattern covers `path`: a path, or a folder with `**`.
fn covers(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches('/');
    match pattern.split_once("**") {
        Some((folder, rest)) => {
            path.starts_with(folder) && path.ends_with(rest.trim_start_matches(['/', '*']))
        }
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_those_that_git_attributes_mark() {
        let patterns = generated_patterns(
            "docs/CONFIG.md linguist-generated\nweb/src/api/** linguist-generated\n*.rs text\n",
        );

        for (path, expected) in
            [("docs/CONFIG.md", true), ("web/src/api/a/b.ts", true), ("src/lib.rs", false)]
        {
            assert_eq!(patterns.iter().any(|one| covers(one, path)), expected, "{path}");
        }
    }

    #[test]
    fn a_tree_with_one_fault_of_each_kind_is_refused_for_each() {
        let source = |path: &str, text: &str| Source {
            path: path.to_owned(),
            text: text.to_owned(),
            generated: false,
        };
        let sources = [
            source("shared/store/src/big.rs", &"x\n".repeat(401)),
            source("shared/store/src/doc/mod.rs", ""),
            source("shared/store/src/string_utils.rs", ""),
            source("docs/HOW.md", "[gone](nowhere.md)"),
            source("Makefile", concat!("run: /ho", "me/ann/bin/run")),
            source("shared/store/src/slow.rs", concat!("#[ign", "ore]")),
        ];

        let faults = check(Path::new("."), &sources);

        assert_eq!(faults.len(), sources.len(), "{faults:#?}");
        for (source, fault) in sources.iter().zip(&faults) {
            assert!(fault.starts_with(&source.path), "{fault}");
        }
    }
}
