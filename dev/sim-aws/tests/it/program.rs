//! The program: its arguments, what it prints, how it ends, and the sim-cml that it tells about power.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// A started program and the lines that it printed until it listened.
struct Program {
    child: Child,
    lines: Vec<String>,
}

impl Program {
    async fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sim-aws"))
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = Vec::new();
        while let Some(line) = out.next_line().await.unwrap() {
            let last = line.starts_with("listening: ");
            lines.push(line);
            if last {
                break;
            }
        }
        Self { child, lines }
    }

    fn address(&self) -> &str {
        self.lines.last().unwrap().strip_prefix("listening: http://").unwrap()
    }

    fn instances(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix("instance: ")).collect()
    }
}

async fn get(address: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n");
    ask(address, &request).await
}

async fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn it_starts_with_a_fleet_that_follows_from_the_seed_and_ends_when_asked() {
    let mut first = Program::start(&["--workers", "5"]).await;
    let second = Program::start(&["--workers", "5"]).await;
    let other = Program::start(&["--workers", "5", "--seed", "2"]).await;

    assert_eq!(first.instances().len(), 5);
    assert_eq!(first.instances(), second.instances());
    assert_ne!(first.instances(), other.instances());
    assert!(get(first.address(), "/_sim/ledger").await.ends_with("[]"));
    let pid = first.child.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), first.child.wait()).await;
    assert!(ended.expect("it ends on SIGTERM").unwrap().success());
}

#[tokio::test]
async fn it_takes_faults_from_a_file_and_refuses_a_wrong_one() {
    let folder = std::env::temp_dir();
    let good = folder.join(format!("sim-aws-good-{}.toml", std::process::id()));
    let bad = folder.join(format!("sim-aws-bad-{}.toml", std::process::id()));
    std::fs::write(&good, "throttle_next = 3\nregions_down = [\"eu-west-1\"]\n").unwrap();
    std::fs::write(&bad, "throtle_next = 3\n").unwrap();

    let program = Program::start(&["--workers", "0", "--faults", good.to_str().unwrap()]).await;
    let faults = get(program.address(), "/_sim/faults").await;
    let refused = Command::new(env!("CARGO_BIN_EXE_sim-aws"))
        .args(["--listen", "127.0.0.1:0", "--faults", bad.to_str().unwrap()])
        .output()
        .await
        .unwrap();
    std::fs::remove_file(good).unwrap();
    std::fs::remove_file(bad).unwrap();

    assert!(faults.contains(r#""throttle_next":3"#) && faults.contains("eu-west-1"), "{faults}");
    assert!(!refused.status.success());
    let problem = String::from_utf8_lossy(&refused.stderr);
    assert!(problem.contains("throtle_next"), "{problem}");
}

#[tokio::test]
async fn it_tells_a_sim_cml_which_instances_have_power() {
    let cml = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", cml.local_addr().unwrap());
    let program = Program::start(&["--workers", "3", "--speed", "20", "--cml", &url]).await;
    // The third of the fleet is stopped; the others have power, as sim-cml takes for granted.
    let off = hear(&cml).await;
    let id = off.strip_prefix("POST /").unwrap().split('/').next().unwrap();
    let body = format!("{{\"instance_id\":\"{id}\"}}");
    let started = ask(program.address(), &format!("POST /_sim/start HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;

    let on = hear(&cml).await;

    assert!(started.starts_with("HTTP/1.1 204"), "{started}");
    assert!(program.instances().iter().any(|line| line.starts_with(id)), "{id}");
    assert!(off.ends_with("{\"on\":false}"), "{off}");
    assert!(
        on.starts_with(&format!("POST /{id}/_sim/power ")) && on.ends_with("{\"on\":true}"),
        "{on}"
    );
}

/// Takes one message as sim-cml does.
async fn hear(cml: &TcpListener) -> String {
    let message = async {
        let (mut stream, _) = cml.accept().await.unwrap();
        let mut request = vec![0; 1_024];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    };
    tokio::time::timeout(Duration::from_secs(20), message).await.unwrap()
}
