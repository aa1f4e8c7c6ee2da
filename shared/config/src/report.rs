//! `--print-config`: effective values, where each came from, secrets hidden.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use toml::Value;

use crate::Origin;
use crate::secret::without_password;
use crate::tree::de::{Seen, list_of, parse_value};
use crate::tree::{Setting, Tree};

/// Keys that end in one of these are hidden even if their type does not say so.
const SECRET_WORDS: [&str; 4] = ["password", "secret", "token", "private_key"];
/// Printed in place of a secret.
const HIDDEN: &str = "\"[hidden]\"";

/// Effective values with their origins. Prints as TOML with the origin as a comment.
#[derive(Clone, Debug)]
pub struct Report {
    entries: Vec<Entry>,
}

/// One line of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Dotted section; empty for none.
    pub section: String,
    /// Key within the section.
    pub key: String,
    /// The value as TOML; secrets hidden.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

impl Report {
    pub(crate) fn new(settings: &[Setting], seen: &Seen) -> Self {
        let mut effective: BTreeMap<(String, String), (&Setting, Option<&Tree>)> = BTreeMap::new();
        for setting in settings {
            let Some((key, section)) = setting.path.split_last() else { continue };
            let slot = (section.join("."), key.clone());
            let like = effective.get(&slot).and_then(|(_, like)| *like).or(Some(&setting.value));
            effective.insert(slot, (setting, like));
        }
        let entries = effective
            .into_iter()
            .map(|((section, key), (setting, like))| Entry {
                section,
                key,
                value: shown(&typed(&setting.value, like), &setting.key(), seen),
                origin: setting.origin.clone(),
            })
            .collect();
        Self { entries }
    }

    /// Returns the lines, sorted by section and key.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |entry: &Entry| format!("{} = {}", entry.key, entry.value);
        let width = self.entries.iter().map(|entry| line(entry).len()).max().unwrap_or(0).min(60);
        let mut section = "";
        for entry in &self.entries {
            if entry.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                writeln!(f, "{gap}[{}]", entry.section)?;
                section = &entry.section;
            }
            writeln!(f, "{:width$}  # {}", line(entry), entry.origin)?;
        }
        Ok(())
    }
}

/// Gives text from the environment the kind that the weakest layer's value has.
fn typed(value: &Tree, like: Option<&Tree>) -> Tree {
    match (value, like) {
        (Tree::Text(text), Some(Tree::List(_))) => list_of(text),
        (Tree::Text(text), Some(Tree::Scalar(scalar))) if !scalar.is_str() => {
            parse_value(text).map_or_else(|| value.clone(), Tree::from)
        }
        _ => value.clone(),
    }
}

fn shown(tree: &Tree, key: &str, seen: &Seen) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    if seen.hidden.contains(key) || SECRET_WORDS.iter().any(|word| last.ends_with(word)) {
        return HIDDEN.to_owned();
    }
    match tree {
        Tree::Text(text) | Tree::Scalar(Value::String(text)) => {
            let text = if seen.urls.contains(key) { without_password(text) } else { text.clone() };
            Value::String(text).to_string()
        }
        Tree::Scalar(scalar) => scalar.to_string(),
        Tree::List(items) => {
            let items: Vec<_> = items
                .iter()
                .enumerate()
                .map(|(index, item)| shown(item, &format!("{key}[{index}]"), seen))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Tree::Table(table) => {
            let mut text = String::from("{");
            for (index, (name, item)) in table.iter().enumerate() {
                let gap = if index == 0 { " " } else { ", " };
                let item = shown(item, &format!("{key}.{name}"), seen);
                // Writing to a string cannot fail.
                let _ = write!(text, "{gap}{name} = {item}");
            }
            text + if table.is_empty() { "}" } else { " }" }
        }
    }
}
