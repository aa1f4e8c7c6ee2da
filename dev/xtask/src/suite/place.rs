//! Where things are: the repository, the build's output, and the tools that `dev/setup` installed.

use std::path::PathBuf;

use anyhow::Context;

use crate::repo;

/// Places that steps need.
#[derive(Debug)]
pub(super) struct Place {
    /// Top of the repository.
    pub(super) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(super) target: PathBuf,
    /// Tools that `dev/setup` installed.
    pub(super) tools: PathBuf,
    /// Where the output of programs goes.
    pub(super) say: fn(&str),
}

impl Place {
    pub(super) fn find() -> anyhow::Result<Self> {
        let root = repo::root()?;
        let cache = match variable("CCM_CACHE") {
            Some(cache) => PathBuf::from(cache),
            None => PathBuf::from(variable("HOME").context("HOME is not set")?).join(".cache/ccm"),
        };
        let tools = variable("CCM_TOOLS").map_or_else(|| cache.join("tools"), PathBuf::from);
        let target =
            variable("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self { root, target, tools, say: repo::say })
    }

    /// Returns the variables that every step gets; `docs/TESTING.md` lists them.
    pub(super) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let binaries = self.target.join("debug");
        vec![
            ("CCM_STANDALONE", binaries.join("ccm-standalone")),
            ("CCM_SIM_CML", binaries.join("sim-cml")),
            ("CCM_TEST_BIN_DIR", binaries),
            ("CCM_TEST_PYTHON", self.python_of_tests()),
            // Nothing is left in the checkout.
            ("PYTHONDONTWRITEBYTECODE", PathBuf::from("1")),
        ]
    }

    /// Returns the Python that has the packages of `dev/requirements.txt`.
    pub(super) fn python_of_tests(&self) -> PathBuf {
        self.tools.join("venv/bin/python")
    }
}

#[expect(clippy::disallowed_methods, reason = "a task has no configuration but its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
