//! Redis servers: the one that was given to the tests, and processes of our own that end with the test.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, FromRedisValue};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The longest that a process may take to listen.
const START: Duration = Duration::from_secs(20);

/// Returns the address of the server that was given to the tests.
pub(super) fn given() -> String {
    variable("CCM_TEST_REDIS_URL").expect(
        "CCM_TEST_REDIS_URL names no Redis server: run `dev/servers start redis` and set what it prints",
    )
}

#[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A server in a process of its own; killed when it is dropped.
pub(super) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
    config: Vec<String>,
}

impl Server {
    /// Starts a server that keeps nothing.
    pub(super) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with further lines of configuration; `{folder}` in them is a folder of its own.
    pub(super) fn with(lines: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = vec!["bind 127.0.0.1".to_owned(), "save \"\"".to_owned()];
        config.extend(lines.iter().map(|line| (*line).to_owned()));
        // Somebody else may take the port between here and the server's start.
        for _ in 0..5 {
            let port = free_port();
            if let Some(child) = spawn(&folder, port, &config) {
                return Self { child, port, folder, config };
            }
        }
        panic!("redis-server did not start: {}", said(&folder));
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends the process at once, and starts one in its place that has nothing but its configuration.
    pub(super) fn restart(&mut self) {
        self.kill();
        self.revive();
    }

    /// Ends the process at once.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Starts the process again.
    pub(super) fn revive(&mut self) {
        let child = spawn(&self.folder, self.port, &self.config);
        self.child = child.unwrap_or_else(|| panic!("no restart: {}", said(&self.folder)));
    }

    /// Stops the process in the middle of whatever it does, or lets it go on.
    pub(super) fn stop(&self, stop: bool) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, if stop { Signal::STOP } else { Signal::CONT }).unwrap();
    }

    /// Asks the server, beside the bus.
    pub(super) fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut cmd = Cmd::new();
        cmd.arg(command);
        cmd.query(&mut self.connection()).unwrap()
    }

    /// Waits until what the server says of itself contains `text`.
    pub(super) fn wait_for(&self, command: &[&str], text: &str) {
        let deadline = Instant::now() + START;
        loop {
            let said: redis::Value = self.ask(command);
            let said = format!("{said:?}");
            if said.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "{command:?} has no {text:?}: {said}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn connection(&self) -> Connection {
        Client::open(self.url()).unwrap().get_connection_with_timeout(START).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a process and waits until it listens; `None` when it ended.
fn spawn(folder: &TempDir, port: u16, config: &[String]) -> Option<Child> {
    let path = folder.path().display().to_string();
    let mut text = format!("port {port}\ndir {path}\nlogfile {path}/log\n");
    for line in config {
        text += &line.replace("{folder}", &path);
        text.push('\n');
    }
    let file = folder.path().join("redis.conf");
    // A Sentinel writes down what it learns there.
    if !file.exists() {
        std::fs::write(&file, text).unwrap();
    }
    let mut command = Command::new("redis-server");
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if config.iter().any(|line| line.starts_with("sentinel ")) {
        command.arg("--sentinel");
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(err) if err.kind() == ErrorKind::NotFound => {
            panic!("there is no redis-server on the PATH: run `dev/setup servers`")
        }
        Err(err) => panic!("redis-server cannot be started: {err}"),
    };
    let deadline = Instant::now() + START;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        if answers(port) {
            return Some(child);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = std::fs::remove_file(folder.path().join("redis.conf"));
    None
}

/// Whether a server is there, whatever it answers.
fn answers(port: u16) -> bool {
    let client = Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let Ok(mut connection) = client.get_connection_with_timeout(START) else { return false };
    match redis::cmd("PING").query::<()>(&mut connection) {
        Ok(()) => true,
        Err(err) => !err.is_io_error(),
    }
}

fn said(folder: &TempDir) -> String {
    let log: PathBuf = folder.path().join("log");
    std::fs::read_to_string(log).unwrap_or_else(|err| err.to_string())
}

pub(super) fn free_port() -> u16 {
    // A cluster's bus is 10000 above; the system's free ports may be too high for that.
    loop {
        let port = rand::random_range(10_000..50_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok()
        {
            return port;
        }
    }
}
