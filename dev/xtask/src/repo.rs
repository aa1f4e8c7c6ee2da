//! The repository: where it is, which files it has, and how the tasks speak.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Returns the top folder: the nearest one above that has the lock file.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("find the current folder")?;
    let root = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.map(Path::to_owned).context("not inside the repository: no Cargo.lock above")
}

/// Returns every file that git knows or would add, relative to `root`.
pub(crate) fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed =
        output(root, "git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    // A file that is deleted but not yet committed is still listed.
    Ok(listed
        .split('\0')
        .filter(|name| !name.is_empty() && root.join(name).is_file())
        .map(PathBuf::from)
        .collect())
}

/// Runs a program in `folder` and returns what it prints; fails when it fails.
pub(crate) fn output(folder: &Path, program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .with_context(|| format!("run {program}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {} failed: {errors}", args.join(" "));
    String::from_utf8(output.stdout).with_context(|| format!("read what {program} prints"))
}

/// Prints one line. A closed pipe is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints `faults` and fails when there are any.
pub(crate) fn report(what: &str, faults: &[String]) -> anyhow::Result<()> {
    for fault in faults {
        say(&format!("{what}: {fault}"));
    }
    ensure!(faults.is_empty(), "{what}: {} faults", faults.len());
    say(&format!("{what}: clean"));
    Ok(())
}
