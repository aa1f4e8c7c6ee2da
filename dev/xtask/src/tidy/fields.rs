//! Fields of log lines have one name in every crate, and the dictionary has them all.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use crate::log_fields::{DICTIONARY, writes_lines, written};

/// Names fields that are in the code and not in the dictionary, and those that nobody writes.
pub(super) fn check(sources: &[Source], known: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources.iter().filter(|source| writes_lines(&source.path)) {
        for field in written(&source.text) {
            if !known.contains_key(&field) {
                let path = &source.path;
                faults.push(format!("{path}: the log field `{field}` is not in {DICTIONARY}"));
            }
            used.insert(field);
        }
    }
    let unused = known.keys().filter(|field| !used.contains(*field));
    faults.extend(unused.map(|field| format!("{DICTIONARY}: nobody writes `{field}`")));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_only_one_side_has_is_told() {
        let text = "tracing::warn!(lab.id = id, lost = 1, \"gone\");".to_owned();
        let path = "services/api/src/live.rs".to_owned();
        let sources = [Source { path, text, generated: false }];
        let known = ["lab.id", "task"].map(|name| (name.to_owned(), "It".to_owned())).into();

        let faults = check(&sources, &known);

        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("live.rs") && faults[0].contains("`lost`"), "{faults:?}");
        assert!(faults[1].contains("`task`"), "{faults:?}");
    }
}
