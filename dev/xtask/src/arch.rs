//! `cargo xtask arch`: the arrows between crates, checked against `cargo metadata`.
//!
//! The rules are data in [`rules`]; this file compares them with what the manifests say.

mod adapters;
mod graph;
mod rules;

use crate::repo;

/// Checks the repository.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = repo::root()?;
    let graph = graph::load(&root)?;
    let mut faults = graph::check(&graph);
    faults.extend(adapters::check(&root, &repo::files(&root)?)?);
    repo::report("arch", &faults)
}
