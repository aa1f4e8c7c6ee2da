//! Real servers for the steps that need some: started before the first of them, ended with the run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::place::Place;

/// Servers of this run, in a folder of their own, so that two runs do not meet.
#[derive(Debug)]
pub(super) struct Servers {
    script: PathBuf,
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

impl Servers {
    /// Starts them with `dev/servers`.
    pub(super) fn start(place: &Place) -> anyhow::Result<Self> {
        let script = place.root.join("dev/servers");
        let folder = place.target.join(format!("servers-{}", std::process::id()));
        // Made first: what was started is ended also when not everything could be.
        let mut servers = Self { script, folder, variables: Vec::new() };
        let answer = servers
            .command("start")
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("run {}", servers.script.display()))?;
        ensure!(answer.status.success(), "the real servers could not be started; see above");
        servers.variables = variables(&String::from_utf8_lossy(&answer.stdout));
        Ok(servers)
    }

    /// Returns what tells tests where they are.
    pub(super) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    fn command(&self, action: &str) -> Command {
        let mut command = Command::new(&self.script);
        command.args([Path::new(action), Path::new("--dir"), &self.folder]).stdin(Stdio::null());
        command
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Nothing can be done about a server that does not end; the script has said so.
        let _ = self.command("stop").arg("--remove").status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads lines `NAME=value`.
fn variables(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_what_a_name_ends_with() {
        let read = variables("A=redis://h:1\nB=mongodb://h/?a=true&b=false\n");

        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read, [pair("A", "redis://h:1"), pair("B", "mongodb://h/?a=true&b=false")]);
    }
}
