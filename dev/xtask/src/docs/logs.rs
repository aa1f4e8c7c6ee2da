//! `docs/LOGS.md` from the dictionary of log fields.

use std::fmt::Write as _;
use std::path::Path;

use crate::log_fields;

const HEAD: &str = "\
# Logs

Made by `cargo xtask docs --write` from the dictionary of fields in the code; do not edit.

One line of JSON for each message; on a terminal, text for people (`telemetry.log_format`, [CONFIG.md](CONFIG.md)).
`error` means that somebody must look, `warn` that we went on without something, `info` is a few lines for each request
or run. Each line has:

| Field | Says |
|---|---|
| `timestamp` | When, UTC, with microseconds |
| `level` | `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE` |
| `message` | What happened, to be read alone |
| `target` | The module that says so |
| `span` | The request or run under way, with its own fields; `name` is `request` or `run` |

and of the following those that matter. No line has a token, a password, a cookie or the body of a request.

| Field | Says |
|---|---|
";

/// Returns the document.
pub(super) fn document(root: &Path) -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    for (name, says) in log_fields::dictionary(root)? {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{name}` | {says} |");
    }
    Ok(text)
}
