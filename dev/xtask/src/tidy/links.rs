//! A document that points to a file points to one that is there.

use std::path::Path;

use super::Source;

/// Returns one fault for each relative link of a Markdown file that leads nowhere.
pub(super) fn check(root: &Path, source: &Source) -> Vec<String> {
    if !source.path.ends_with(".md") {
        return Vec::new();
    }
    let folder = root.join(&source.path);
    let folder = folder.parent().unwrap_or(root);
    targets(&source.text)
        .filter(|target| !folder.join(target).exists())
        .map(|target| format!("{}: links to {target}, which is not there", source.path))
        .collect()
}

/// Returns the files that `[…](file#heading)` links of a text name.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ', '\n']).next())
        .filter(|target| !target.contains("://") && !target.starts_with(['#', '<', '/']))
        .filter(|target| !target.starts_with("mailto:"))
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_found_and_others_are_not() {
        let text = "[a](docs/A.md) [b](https://x/y) [c](#top) ![d](d.png) [e](B.md#part)";

        assert_eq!(targets(text).collect::<Vec<_>>(), ["docs/A.md", "d.png", "B.md"]);
    }
}
