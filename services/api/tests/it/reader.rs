//! A reader of event streams over a socket of its own, as plain as a browser's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ccm_api::ApiConfig;
use ccm_config::Span;
use ccm_domain::{Timestamp, WorkerId};
use ccm_events::{Change, Event, Kind, Subject};
use ccm_ports::{EventFeed, EventPublisher};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::app::TestApp;

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A served API whose events the test tells.
pub(crate) struct Served {
    pub(crate) app: TestApp,
    pub(crate) address: SocketAddr,
}

/// One block of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Block {
    pub(crate) id: Option<u64>,
    pub(crate) event: Option<String>,
    pub(crate) data: Value,
    pub(crate) retry: Option<u64>,
}

/// A stream being read.
pub(crate) struct Reader {
    socket: TcpStream,
    pub(crate) head: String,
    raw: Vec<u8>,
    text: String,
    ended: bool,
    /// The last id seen, as a browser keeps it.
    pub(crate) cursor: Option<u64>,
}

impl Served {
    /// Serves with a heartbeat that does not come by itself during a test.
    pub(crate) async fn new() -> Self {
        Self::with(TestApp::new(), |_| {}).await
    }

    pub(crate) async fn with(app: TestApp, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let deps = app.deps();
        Self::start(app, deps, change).await
    }

    async fn start(app: TestApp, deps: ccm_api::Deps, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let mut config = ApiConfig::for_testing();
        config.sse.heartbeat = Span::from_secs(3600);
        config.sse.max_age = Span::from_secs(3600);
        change(&mut config);
        let address = ccm_api::start(deps, &config, &app.shell).await.unwrap();
        Self { app, address }
    }

    /// Serves what another bus tells.
    pub(crate) async fn over(app: TestApp, feed: Arc<dyn EventFeed>) -> Self {
        let deps = ccm_api::Deps { feed, ..app.deps() };
        Self::start(app, deps, |_| {}).await
    }

    /// Logs the next events and tells them.
    pub(crate) async fn tell(&self, changes: &[Change]) {
        let logged = self.log(changes).await;
        self.app.bus.append(&logged).await.unwrap();
    }

    /// Logs the next events and tells nobody.
    pub(crate) async fn log(&self, changes: &[Change]) -> Vec<Event> {
        log(&self.app, changes).await
    }

    pub(crate) async fn connect(&self, query: &str) -> Reader {
        self.connect_with(query, &[]).await
    }

    pub(crate) async fn connect_with(&self, query: &str, headers: &[(&str, &str)]) -> Reader {
        let socket = TcpStream::connect(self.address).await.unwrap();
        self.open(socket, query, headers).await
    }

    /// Connects a reader whose socket takes little before it is full.
    pub(crate) async fn connect_narrow(&self) -> Reader {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let socket = socket.connect(self.address).await.unwrap();
        self.open(socket, "", &[]).await
    }

    async fn open(&self, mut socket: TcpStream, query: &str, headers: &[(&str, &str)]) -> Reader {
        let more: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request =
            format!("GET /api/v1/events{query} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut reader = Reader {
            socket,
            head: String::new(),
            raw: Vec::new(),
            text: String::new(),
            ended: false,
            cursor: None,
        };
        reader.read_head().await;
        reader
    }

    /// Calls another route of the same process; returns status and body.
    pub(crate) async fn call(&self, method: &str, path: &str) -> (u16, Value) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Stops the process and insists that nothing was left behind.
    pub(crate) async fn stop(self) {
        let limits = ccm_config::section::DrainSection::for_testing();
        self.app.shell.stop(&limits).await.unwrap();
    }
}

/// Logs the next events.
pub(crate) async fn log(app: &TestApp, changes: &[Change]) -> Vec<Event> {
    let log = &app.stores().log;
    let head = log.head().await.unwrap();
    let logged = log.append(head, changes).await.unwrap();
    logged.iter().map(|logged| Event::logged(logged.seq, &logged.change)).collect()
}

/// A change of a worker; `n` makes it different from others.
pub(crate) fn change(kind: Kind, subject: &Subject, n: u64) -> Change {
    Change {
        id: format!("tests/{subject}/{n}"),
        kind,
        subject: subject.clone(),
        time: Timestamp::from_millis(1_770_000_000_000),
        data: json!({ "n": n }).into(),
        traceparent: None,
    }
}

/// So many changes of one worker.
pub(crate) fn changes(range: std::ops::RangeInclusive<u64>) -> Vec<Change> {
    range.map(|n| change(Kind::WorkerStateChanged, &worker(1), n)).collect()
}

pub(crate) fn worker(n: u64) -> Subject {
    let id = uuid::Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | n);
    Subject::Worker(WorkerId::new(id))
}

impl Reader {
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Returns the next block, or `None` when the stream has ended properly.
    pub(crate) async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = parse(block);
                self.text = rest.to_owned();
                self.cursor = block.id.or(self.cursor);
                return Some(block);
            }
            if self.ended {
                assert!(self.text.is_empty(), "cut inside a block: {:?}", self.text);
                return None;
            }
            self.receive().await;
        }
    }

    /// Returns the next block that is an event.
    pub(crate) async fn event(&mut self) -> Block {
        loop {
            let block = self.block().await.unwrap_or_else(|| panic!("the stream ended"));
            if block.event.is_some() {
                return block;
            }
        }
    }

    /// Returns the ids of the next events.
    pub(crate) async fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let event = self.event().await;
            ids.push(event.id.unwrap_or_else(|| panic!("{event:?} has no id")));
        }
        ids
    }

    /// Reads the snapshot with which a stream begins; returns its workers.
    pub(crate) async fn snapshot(&mut self) -> Vec<Value> {
        let mut workers = Vec::new();
        loop {
            let part = self.event().await;
            assert_eq!(part.event.as_deref(), Some("snapshot"), "{part:?}");
            workers.extend(part.data["workers"].as_array().unwrap().clone());
            if part.data["part"] == part.data["of"] {
                assert_eq!(part.id, part.data["cursor"].as_u64());
                return workers;
            }
            assert_eq!(part.id, None, "a part that is not the last moves no cursor");
        }
    }

    /// Reads to the end of the stream; returns what was said.
    pub(crate) async fn rest(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some(block) = self.block().await {
            blocks.push(block);
        }
        blocks
    }

    /// Reads to the end and returns the reason of the goodbye.
    pub(crate) async fn goodbye(&mut self) -> String {
        let last = self.rest().await.pop().unwrap_or_else(|| panic!("no goodbye"));
        assert_eq!(last.event.as_deref(), Some("bye"), "{last:?}");
        assert!(last.data["retry_ms"].as_u64().is_some_and(|ms| ms > 0), "{last:?}");
        last.data["reason"].as_str().unwrap().to_owned()
    }

    /// Waits until the peer has closed the socket, however the stream stood.
    pub(crate) async fn closed(mut self) {
        let mut buffer = vec![0; 65_536];
        let until_closed =
            async { while self.socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {} };
        let closed = tokio::time::timeout(PATIENCE, until_closed).await;
        assert!(closed.is_ok(), "the socket is still open");
    }

    async fn read_head(&mut self) {
        loop {
            if let Some(end) = find(&self.raw, b"\r\n\r\n") {
                self.head = String::from_utf8(self.raw.drain(..end + 4).collect()).unwrap();
                self.dechunk();
                return;
            }
            self.receive_raw().await;
        }
    }

    async fn receive(&mut self) {
        self.receive_raw().await;
        self.dechunk();
    }

    async fn receive_raw(&mut self) {
        let mut buffer = vec![0; 65_536];
        let read = tokio::time::timeout(PATIENCE, self.socket.read(&mut buffer)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing is said")).unwrap();
        assert!(read > 0, "the socket was closed inside of the body");
        self.raw.extend_from_slice(&buffer[..read]);
    }

    /// Moves whole chunks from the raw bytes to the text.
    fn dechunk(&mut self) {
        if self.header("transfer-encoding") != "chunked" {
            self.text.push_str(std::str::from_utf8(&self.raw).unwrap());
            self.raw.clear();
            let length = self.header("content-length").parse().unwrap_or(0);
            self.ended = self.text.len() >= length;
            return;
        }
        while let Some(line) = find(&self.raw, b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if self.raw.len() < line + 2 + size + 2 {
                return;
            }
            let chunk = &self.raw[line + 2..line + 2 + size];
            self.text.push_str(std::str::from_utf8(chunk).unwrap());
            self.raw.drain(..line + 2 + size + 2);
            self.ended |= size == 0;
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn parse(text: &str) -> Block {
    let mut block = Block::default();
    let mut data = String::new();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => block.id = Some(id.parse().unwrap()),
            Some(("event", event)) => block.event = Some(event.to_owned()),
            Some(("data", line)) => data.push_str(line),
            Some(("retry", millis)) => block.retry = Some(millis.parse().unwrap()),
            _ => panic!("an odd line: {line:?}"),
        }
    }
    if !data.is_empty() {
        block.data = serde_json::from_str(&data).unwrap();
    }
    block
}
