//! One process of the product or of the world around it: started, stopped in every way, its output kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::keeper;
use crate::waiting::within;

/// Lines of a log that are printed when a test fails.
const TAIL: usize = 40;
/// How long a killed process may be listed.
const REAP: Duration = Duration::from_secs(10);

/// How a process is started; the same each time.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    /// Output goes to `<name>.log` in here.
    pub(crate) folder: PathBuf,
}

/// A process that may run.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) recipe: Recipe,
    child: Option<Child>,
}

impl Process {
    /// Starts it. Its environment is what the recipe says and nothing else but the path to programs.
    pub(crate) fn start(recipe: Recipe) -> Self {
        let mut process = Self { recipe, child: None };
        process.start_again();
        process
    }

    /// Starts it once more; its log goes on.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.recipe.name);
        let Recipe { program, args, env, folder, .. } = &self.recipe;
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .env("PATH", crate::place::variable("PATH"))
            .env("HOME", folder)
            .env("RUST_BACKTRACE", "1")
            .envs(env)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|err| panic!("{} cannot be started: {err}", program.display()));
        keeper::add(child.id());
        self.child = Some(child);
    }

    pub(crate) const fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// `SIGKILL`: it gets no chance to do anything.
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended(REAP).await;
    }

    /// `SIGTERM`, and waits until it has ended by itself.
    pub(crate) async fn term(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended(limit).await
    }

    /// `SIGSTOP`: it hangs, with all its connections open.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// `SIGCONT`: it goes on in the middle of whatever it was doing.
    pub(crate) fn cont(&self) {
        self.signal(Signal::CONT);
    }

    /// Panics with the end of its log when it ended although nobody asked.
    pub(crate) fn must_run(&mut self) {
        let Some(child) = &mut self.child else { return };
        if let Some(status) = child.try_wait().unwrap() {
            keeper::remove(child.id());
            self.child = None;
            panic!("{} ended with {status}:\n{}", self.recipe.name, self.tail());
        }
    }

    /// Returns everything that it ever printed.
    pub(crate) fn log(&self) -> String {
        std::fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Returns the last lines that it printed.
    pub(crate) fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.recipe.folder.join(format!("{}.log", self.recipe.name))
    }

    fn signal(&self, signal: Signal) {
        let child =
            self.child.as_ref().unwrap_or_else(|| panic!("{} does not run", self.recipe.name));
        kill_process(pid_of(child), signal).unwrap();
    }

    async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let name = self.recipe.name.clone();
        let child = self.child.as_mut().unwrap();
        let status = within(limit, &format!("{name} ends"), async || {
            child.try_wait().unwrap().ok_or("it runs")
        })
        .await;
        keeper::remove(child.id());
        self.child = None;
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // Whoever has ended by itself is not there any more, which is as good.
        let _ = kill_process_group(pid_of(child), Signal::KILL);
        let _ = child.wait();
        keeper::remove(child.id());
    }
}

impl Recipe {
    pub(crate) fn new(name: &str, program: impl Into<PathBuf>, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn args<I: Into<String>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}
