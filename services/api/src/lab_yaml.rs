//! Lab files on their way in: looked at before they are sent on, so that a wrong file is named at once.

use serde_yaml_ng::Value;

use crate::problem::Problem;

const LONGEST_TITLE: usize = 64;

/// Checks that the text is a lab file, and gives it another title when one is asked for.
pub(crate) fn checked(text: String, title: Option<&str>, pointer: &str) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::field("invalid", pointer, "must not be empty"));
    }
    let mut file: Value = serde_yaml_ng::from_str(&text).map_err(|err| {
        let place = err.location();
        let at = place
            .map_or(String::new(), |at| format!(" near line {} column {}", at.line(), at.column()));
        Problem::field("invalid", pointer, format!("must be YAML; it is not{at}"))
    })?;
    let Some(lab) = file.get_mut("lab").and_then(Value::as_mapping_mut) else {
        return Err(Problem::field("invalid", pointer, "must be a lab file, with a `lab` section"));
    };
    let Some(title) = title else { return Ok(text) };
    if !(1..=LONGEST_TITLE).contains(&title.chars().count()) {
        return Err(Problem::field("invalid", "/title", "must have 1 to 64 characters"));
    }
    lab.insert("title".into(), title.into());
    let written = serde_yaml_ng::to_string(&file);
    written.map_err(|err| Problem::internal(&err))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "lab:\n  title: one\n  version: 0.2.0\nnodes: []\nlinks: []\n";

    #[test]
    fn a_lab_file_passes_as_it_is() {
        assert_eq!(checked(FILE.to_owned(), None, "/topology").unwrap(), FILE);
    }

    #[test]
    fn a_title_replaces_that_of_the_file() {
        let file = checked(FILE.to_owned(), Some("two"), "/topology").unwrap();

        let read: Value = serde_yaml_ng::from_str(&file).unwrap();
        assert_eq!(read["lab"]["title"], "two");
        assert_eq!(read["lab"]["version"], "0.2.0");
    }

    #[test]
    fn what_is_no_lab_file_is_refused() {
        for text in ["", " \n", "a: [", "nodes: []", "- lab", "just words", "lab: text"] {
            let problem = checked(text.to_owned(), None, "/topology").unwrap_err();
            assert_eq!(problem.code(), "invalid", "{text}");
        }
    }
}
