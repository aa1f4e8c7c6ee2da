//! Runs one step: passes its output on and counts the tests in it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::place::Place;
use super::steps::{Part, Step};
use super::tally::Tally;

/// A part that runs longer hangs; the coldest build takes less than half of it.
const LIMIT: Duration = Duration::from_secs(45 * 60);
/// How often a running part is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What a step did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// Why it stopped early.
    pub(super) broken: Option<String>,
}

impl Outcome {
    /// Returns what a step did that could not even begin.
    pub(super) fn broken(err: &anyhow::Error) -> Self {
        Self { tally: Tally::default(), broken: Some(format!("{err:#}")) }
    }

    /// Returns `Ok`, or why the step failed.
    pub(super) fn verdict(&self, must_count: bool) -> Result<(), String> {
        let Tally { passed, failed, skipped } = self.tally;
        match &self.broken {
            Some(reason) => Err(reason.clone()),
            None if failed > 0 => Err(format!("{failed} tests failed")),
            None if skipped > 0 => Err(format!("{skipped} tests were skipped")),
            None if must_count && passed == 0 => Err("no test ran".to_owned()),
            None => Ok(()),
        }
    }

    /// Returns what the step adds to the sum: skipped counts as failed, and so does a step that
    /// failed without a failed test.
    pub(super) fn counted(&self, must_count: bool) -> Tally {
        let Tally { passed, failed, skipped } = self.tally;
        let mut failed = failed + skipped;
        if failed == 0 && self.verdict(must_count).is_err() {
            failed = 1;
        }
        Tally { passed, failed, skipped: 0 }
    }
}

/// Variables beside those of every step.
type Variables = [(String, String)];

/// Runs the parts of `step` until one fails.
pub(super) fn step(step: &Step, place: &Place, variables: &Variables) -> Outcome {
    let mut outcome = Outcome::default();
    for part in &step.parts {
        let done = match part {
            Part::Task(task) => task(),
            Part::Program { folder, program, args } => {
                let mut command = Command::new(program);
                command.args(args).current_dir(folder).envs(variables.iter().cloned());
                watched(command, place, &mut outcome.tally)
            }
        };
        if let Err(err) = done {
            outcome.broken = Some(format!("{err:#}"));
            break;
        }
    }
    outcome
}

/// Runs a program to its end, passes its output on and counts the tests in it.
fn watched(mut command: Command, place: &Place, tally: &mut Tally) -> anyhow::Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    if let Some(folder) = command.get_current_dir() {
        ensure!(folder.is_dir(), "{} is not there", folder.display());
    }
    let mut child = command
        .envs(place.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{line} could not be started; `dev/setup` installs it"))?;
    let lines = child.stdout.take().map(read_lines);
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        pass_on(lines.as_ref(), place.say, tally, LOOK);
        if let Some(status) = child.try_wait().with_context(|| format!("wait for {line}"))? {
            break status;
        }
        if Instant::now() > deadline {
            // It may have ended in this moment, which is as good.
            let _ = child.kill();
            bail!("{line} did not end within {} minutes", LIMIT.as_secs() / 60);
        }
    };
    // The program has ended, but what it printed last may still be on its way.
    pass_on(lines.as_ref(), place.say, tally, Duration::from_secs(1));
    // Failed tests are told by their count; anything else by the program and its code.
    ensure!(status.success() || tally.failed > 0, "{line} ended with {status}");
    Ok(())
}

/// Reads lines on a thread of its own, so that a program that hangs does not hang us.
fn read_lines(output: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Prints and counts lines until there are none for `patience`.
fn pass_on(
    lines: Option<&mpsc::Receiver<String>>,
    say: fn(&str),
    tally: &mut Tally,
    patience: Duration,
) {
    let Some(lines) = lines else { return std::thread::sleep(patience) };
    loop {
        match lines.recv_timeout(patience) {
            Ok(line) => {
                say(&line);
                tally.read(&line);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => return,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                // Nothing more will come, but the program may go on for a while.
                return std::thread::sleep(LOOK.min(patience));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A place that prints nothing: what the scripts say looks like results to whoever counts ours.
    fn quiet() -> Place {
        let here = PathBuf::from(".");
        Place { root: here.clone(), target: here.clone(), tools: here, say: |_| {} }
    }

    fn ran(script: &'static str) -> Outcome {
        let part = Part::Program {
            folder: PathBuf::from("."),
            program: PathBuf::from("sh"),
            args: vec!["-c", script],
        };
        let step = Step { name: "x", about: "", tests: true, servers: false, parts: vec![part] };
        super::step(&step, &quiet(), &[])
    }

    fn said(script: &'static str) -> (Result<(), String>, u64, u64) {
        let outcome = ran(script);
        let counted = outcome.counted(true);
        (outcome.verdict(true), counted.passed, counted.failed)
    }

    #[test]
    fn tests_that_pass_are_counted() {
        let line = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured;'";

        assert_eq!(said(line), (Ok(()), 3, 0));
    }

    #[test]
    fn a_step_that_fails_skips_or_runs_nothing_is_a_failure_with_its_reason() {
        for (script, reason, failed) in [
            (
                "echo 'test result: FAILED. 3 passed; 2 failed; 0 ignored;'; exit 101",
                "2 tests failed",
                2,
            ),
            ("echo 'test result: ok. 3 passed; 0 failed; 1 ignored;'", "1 tests were skipped", 1),
            ("echo hello", "no test ran", 1),
            ("exit 3", "exit status: 3", 1),
            ("echo 'test result: ok. 3 passed; 0 failed; 0 ignored;'; exit 1", "exit status: 1", 1),
        ] {
            let (verdict, _, counted) = said(script);
            assert!(verdict.as_ref().is_err_and(|it| it.contains(reason)), "{script}: {verdict:?}");
            assert_eq!(counted, failed, "{script}");
        }
    }

    #[test]
    fn a_program_that_is_not_installed_is_a_failure_that_says_how_to_install_it() {
        let mut tally = Tally::default();

        let err = watched(Command::new("no-such-program"), &quiet(), &mut tally).unwrap_err();

        assert!(err.to_string().contains("dev/setup"), "{err}");
    }
}
