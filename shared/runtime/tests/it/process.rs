//! `examples/minimal.rs` as a real process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

/// A running example whose log lines are read as they come.
struct Server {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    admin: String,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    fn start_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().copied();
        let mut child = minimal(args).envs(variables).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let admin = wait_for(&mut lines, "admin listens on ");
        wait_for(&mut lines, "started in ");
        Self { child, lines, admin }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end; returns the exit code and the rest of the log.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

fn minimal(args: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    let mut command = Command::new(folder.join("examples").join("minimal"));
    command.args(args).env_remove("CCM_HTTP__LISTEN");
    command
}

fn output(args: &[&str], variables: &[(&str, &str)]) -> Output {
    minimal(args).envs(variables.iter().copied()).output().unwrap()
}

/// Reads lines until one contains `text`; returns what follows it up to the next quote.
fn wait_for(lines: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    loop {
        let start = all.len();
        assert_ne!(lines.read_line(&mut all).unwrap(), 0, "no {text:?} in\n{all}");
        if let Some((_, rest)) = all[start..].split_once(text) {
            return rest.split(['"', '\n']).next().unwrap().to_owned();
        }
    }
}

#[test]
fn a_process_serves_until_sigterm_and_ends_with_zero() {
    let server = Server::start(&[]);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));

    server.signal("TERM");
    let (code, log) = server.end();

    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("store closed"), "{log}");
}

#[test]
fn a_collector_that_is_away_keeps_no_process_from_serving_and_ending() {
    let server = Server::start_with(&[], &[("CCM_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));

    server.signal("TERM");
    let (code, log) = server.end();

    assert_eq!(code, Some(0), "{log}");
    // One span of its own life, which nobody took.
    assert_eq!(log.matches("takes no traces").count(), 1, "{log}");
}

#[test]
fn a_process_that_stops_is_not_ready_but_alive() {
    let mut server = Server::start(&["--slow-stream"]);
    server.signal("TERM");
    wait_for(&mut server.lines, "SIGTERM received");

    assert!(server.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(server.get("/livez").starts_with("HTTP/1.1 200"));

    server.signal("INT");
    let (code, log) = server.end();
    assert_eq!(code, Some(130), "{log}");
}

#[test]
fn a_process_whose_critical_task_fails_ends_with_one() {
    let (code, log) = Server::start(&["--fail-after", "50"]).end();

    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("told to fail") && log.contains("store closed"), "{log}");
}

#[test]
fn a_task_that_does_not_end_is_named_and_the_exit_code_is_one() {
    let server = Server::start(&["--hang"]);
    server.signal("TERM");
    let (code, log) = server.end();

    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("did not end in time: hang"), "{log}");
}

#[test]
fn wrong_configuration_ends_with_64_and_names_the_key() {
    for (args, variables, message) in [
        (&[][..], &[("CCM_HTTP__LISTN", "x")][..], "http.listn: unknown key"),
        (&["--config", "nowhere.toml"], &[], "cannot read nowhere.toml"),
        (&["--listen", "nonsense"], &[], "set by --listen"),
        (&["--unknown"], &[], "--unknown"),
        (&[], &[("CCM_TELEMETRY__LOG_FILTER", "x=loud")], "x=loud"),
        (&["--check"], &[("CCM_TELEMETRY__LOG_FILTER", "x=loud")], "x=loud"),
        (&[], &[("CCM_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:4318/v1/traces")], "gRPC"),
        (&["--check"], &[("CCM_TELEMETRY__OTLP_ENDPOINT", "ftp://127.0.0.1")], "otlp_endpoint"),
        (&["--check"], &[("CCM_TELEMETRY__TRACE_RATIO", "1.5")], "trace_ratio"),
        (
            &["--check"],
            &[("CCM_HTTP__LISTEN", "127.0.0.1:9"), ("CCM_ADMIN__LISTEN", "127.0.0.1:9")],
            "are the same",
        ),
    ] {
        let output = output(args, variables);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(message), "{message}: {said}");
    }
}

#[test]
fn check_and_print_config_and_version_end_with_zero() {
    for (args, message) in [
        (&["--check"][..], "can be used"),
        (&["--print-config"], "delay = \"100ms\""),
        (&["--print-config", "--listen", "127.0.0.1:7"], "# --listen"),
        (&["--version"], "minimal 0.0.0"),
        (&["--help"], "--print-config"),
    ] {
        let output = output(args, &[]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(said.contains(message), "{args:?}: {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_a_failure_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let output = output(&["--listen", &address], &[]);

    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("listen on {address}")), "{said}");
}
