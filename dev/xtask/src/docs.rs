//! `cargo xtask docs`: documents that are made from the code and committed.
//!
//! To add one: a function that returns its text, and a line in [`DOCUMENTS`]. A document that
//! needs a crate's own knowledge (the table of events) is printed by an
//! example of that crate, run with `repo::output`; this crate depends on none of ours.

mod config;
mod logs;
mod metrics;

use std::path::Path;

use anyhow::{Context, ensure};

use crate::repo;

/// Check the committed documents, or write them
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Mode {
    /// Fail when a committed document is not what the code says
    #[arg(long)]
    check: bool,
    /// Write the documents
    #[arg(long)]
    write: bool,
}

struct Document {
    path: &'static str,
    make: fn(&Path) -> anyhow::Result<String>,
}

const DOCUMENTS: &[Document] = &[
    Document { path: "docs/CONFIG.md", make: config::document },
    Document { path: "docs/LOGS.md", make: logs::document },
    Document { path: "docs/METRICS.md", make: metrics::document },
];

/// Checks all documents.
pub(crate) fn check() -> anyhow::Result<()> {
    run(&Mode { check: true, write: false })
}

/// Checks or writes all documents.
pub(crate) fn run(mode: &Mode) -> anyhow::Result<()> {
    let root = repo::root()?;
    let mut stale = Vec::new();
    for document in DOCUMENTS {
        let text = (document.make)(&root).with_context(|| format!("make {}", document.path))?;
        let path = root.join(document.path);
        if std::fs::read_to_string(&path).is_ok_and(|committed| committed == text) {
            continue;
        }
        if mode.write {
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            repo::say(&format!("docs: wrote {}", document.path));
        } else {
            stale.push(document.path);
        }
    }
    ensure!(stale.is_empty(), "out of date: {}; run `cargo xtask docs --write`", stale.join(", "));
    repo::say("docs: up to date");
    Ok(())
}
