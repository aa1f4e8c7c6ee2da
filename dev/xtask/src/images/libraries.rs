//! Which shared libraries a binary needs: none when it is static.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

/// Returns the libraries of `binary` and the loader, by the paths they are looked for at.
pub(super) fn of(binary: &Path) -> anyhow::Result<Vec<PathBuf>> {
    ensure!(binary.is_file(), "{} is not there; build it first", binary.display());
    let output = Command::new("ldd").arg(binary).env("LC_ALL", "C").output().context("run ldd")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("not a dynamic executable") {
        return Ok(Vec::new());
    }
    ensure!(output.status.success(), "ldd {} failed: {errors}", binary.display());
    listed(&String::from_utf8_lossy(&output.stdout))
}

/// Reads lines such as `libc.so.6 => /lib/libc.so.6 (0x7f…)` and `/lib64/ld-linux.so.2 (0x7f…)`.
pub(super) fn listed(text: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for line in text.lines().map(str::trim) {
        let place = line.split_once("=> ").map_or(line, |(_, place)| place);
        if place.starts_with("not found") {
            bail!("a library is missing: {line}");
        }
        // Others are in the kernel (`linux-vdso.so.1`) or say `statically linked`.
        if let Some((path, _)) = place.split_once(" (").filter(|(path, _)| path.starts_with('/')) {
            paths.push(PathBuf::from(path));
        }
    }
    Ok(paths)
}
