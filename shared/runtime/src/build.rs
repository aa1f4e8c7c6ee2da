//! Which source this process is built from.

use serde::Serialize;

/// Version, commit and date of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// Version of the product; `0.0.0` between releases.
    pub version: &'static str,
    /// Commit, shortened; empty in a development build.
    pub commit: &'static str,
    /// Seconds since 1970 of that commit, as text; empty in a development build.
    pub date: &'static str,
}

/// This build.
pub const BUILD: Build = Build {
    version: env!("CCM_BUILD_VERSION"),
    commit: env!("CCM_BUILD_COMMIT"),
    date: env!("CCM_BUILD_DATE"),
};

impl Build {
    /// Returns the version for `--version` and logs, such as `1.4.0 (3f2a9c1b7d10)`.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        env!("CCM_BUILD_DESCRIPTION")
    }
}
