//! Tells the crate which source it is built from: version, commit, date.
//!
//! Image builds pass `CCM_VERSION`, `CCM_COMMIT` and `SOURCE_DATE_EPOCH`. Otherwise a release build
//! asks git; a development build does not, because every commit would then rebuild every service.
//! Outside a git checkout nothing fails: the values are empty.

use std::env;
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "a build script has nothing but its environment")]
fn main() {
    for name in ["CCM_VERSION", "CCM_COMMIT", "SOURCE_DATE_EPOCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if release && let Some(logs) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        // Changes with every commit and every checkout.
        println!("cargo::rerun-if-changed={logs}");
    }
    let asked = |name: &str, args: &[&str]| {
        env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .or_else(|| release.then(|| git(args)).flatten())
    };

    let version = env::var("CCM_VERSION").or_else(|_| env::var("CARGO_PKG_VERSION"));
    let commit = asked("CCM_COMMIT", &["rev-parse", "--short=12", "HEAD"]);
    let date = asked("SOURCE_DATE_EPOCH", &["log", "-1", "--format=%ct"]);
    let version = version.unwrap_or_default();
    let built_from = commit.as_deref().unwrap_or("development build");
    println!("cargo::rustc-env=CCM_BUILD_DESCRIPTION={version} ({built_from})");
    println!("cargo::rustc-env=CCM_BUILD_VERSION={version}");
    println!("cargo::rustc-env=CCM_BUILD_COMMIT={}", commit.unwrap_or_default());
    println!("cargo::rustc-env=CCM_BUILD_DATE={}", date.unwrap_or_default());
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}
