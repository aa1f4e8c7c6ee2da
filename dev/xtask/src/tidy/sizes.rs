//! No file is longer than one person reads at once.

use std::collections::BTreeMap;

use super::Source;

/// Longest source file, in lines.
const LIMIT: usize = 400;
/// Longest test file, in lines: tables and cases read faster than logic.
const TEST_LIMIT: usize = 600;
/// Endings of files that count as code.
const CODE: [&str; 9] = [".rs", ".ts", ".tsx", ".js", ".mjs", ".cjs", ".css", ".py", ".sh"];

/// Returns the fault of a file that is too long.
pub(super) fn check(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    let limit = if is_test(&source.path) { TEST_LIMIT } else { LIMIT };
    let too_long = is_code(&source.path) && !source.generated && lines > limit;
    too_long.then(|| format!("{}: {lines} lines, at most {limit}", source.path))
}

/// Returns one line for each crate with its three largest files.
pub(super) fn largest(sources: &[Source]) -> Vec<String> {
    let mut crates: BTreeMap<String, Vec<(usize, &str)>> = BTreeMap::new();
    for source in sources.iter().filter(|source| is_code(&source.path) && !source.generated) {
        let Some((folder, rest)) = split(&source.path) else { continue };
        crates.entry(folder).or_default().push((source.text.lines().count(), rest));
    }
    crates
        .into_iter()
        .map(|(folder, mut files)| {
            files.sort_unstable_by(|one, other| other.cmp(one));
            let three: Vec<_> =
                files.iter().take(3).map(|(lines, file)| format!("{file} {lines}")).collect();
            format!("{folder:<22} {}", three.join(", "))
        })
        .collect()
}

fn is_code(path: &str) -> bool {
    CODE.iter().any(|ending| path.ends_with(ending))
}

fn is_test(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| part == "tests" || part == "test" || part == "benches")
        || file == "tests.rs"
        || file.contains(".test.")
}

/// Splits a path into the crate's folder and the rest.
fn split(path: &str) -> Option<(String, &str)> {
    let (top, rest) = path.split_once('/')?;
    if matches!(top, "web" | "cli" | "bench") {
        return Some((top.to_owned(), rest));
    }
    let (name, rest) = rest.split_once('/')?;
    Some((format!("{top}/{name}"), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, lines: usize, generated: bool) -> Source {
        Source { path: path.to_owned(), text: "x\n".repeat(lines), generated }
    }

    #[test]
    fn a_file_may_have_400_lines_a_test_600_and_a_generated_one_any_number() {
        for (path, lines, generated, fits) in [
            ("shared/app/src/labs.rs", 400, false, true),
            ("shared/app/src/labs.rs", 401, false, false),
            ("shared/app/src/labs.rs", 4000, true, true),
            ("shared/app/tests/it/labs.rs", 600, false, true),
            ("shared/app/tests/it/labs.rs", 601, false, false),
            ("shared/domain/src/worker/tests.rs", 600, false, true),
            ("web/src/live/stream.test.ts", 600, false, true),
            ("web/src/theme.css", 401, false, false),
            ("docs/OPERATIONS.md", 4000, false, true),
        ] {
            assert_eq!(check(&source(path, lines, generated)).is_none(), fits, "{path} {lines}");
        }
    }

    #[test]
    fn the_three_largest_files_of_each_crate_are_listed_largest_first() {
        let sources = [
            source("shared/app/src/a.rs", 10, false),
            source("shared/app/src/b.rs", 40, false),
            source("shared/app/src/c.rs", 30, false),
            source("shared/app/src/d.rs", 20, false),
            source("web/src/main.tsx", 5, false),
            source("README.md", 5, false),
        ];

        let lines = largest(&sources);

        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("src/b.rs 40, src/c.rs 30, src/d.rs 20"), "{lines:?}");
        assert!(lines[1].starts_with("web"), "{lines:?}");
    }
}
