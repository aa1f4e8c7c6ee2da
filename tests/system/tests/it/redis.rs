//! A Redis of a test's own, and as much of its protocol as looking into it takes.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::process::{Process, Recipe};
use crate::waiting::eventually;

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What Redis answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Nil,
    Number(i64),
    Text(String),
    List(Vec<Self>),
}

/// A `redis-server` that keeps nothing on disk: a restart is a loss of everything.
#[derive(Debug)]
pub(crate) struct OwnRedis {
    pub(crate) address: SocketAddr,
    process: Process,
}

impl OwnRedis {
    pub(crate) async fn start(folder: &Path) -> Self {
        let address = crate::place::free_address();
        let recipe = Recipe::new("redis", "redis-server", folder).args([
            "--bind",
            "127.0.0.1",
            "--port",
            &address.port().to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        let redis = Self { address, process: Process::start(recipe) };
        redis.answers().await;
        redis
    }

    /// Ends it and starts it again, empty.
    pub(crate) async fn restart(&mut self) {
        self.process.kill().await;
        self.process.start_again();
        self.answers().await;
    }

    pub(crate) async fn flush_all(&self) {
        let reply = command(self.address, &["FLUSHALL"]).await.unwrap();
        assert_eq!(reply, Reply::Text("OK".to_owned()));
    }

    async fn answers(&self) {
        eventually("Redis answers", async || command(self.address, &["PING"]).await).await;
    }
}

/// Sends one command over a connection of its own.
pub(crate) async fn command(address: SocketAddr, words: &[&str]) -> anyhow::Result<Reply> {
    let exchange = async {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        let mut stream = BufReader::new(TcpStream::connect(address).await?);
        stream.write_all(request.as_bytes()).await?;
        read(&mut stream).await
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}

/// Reads one reply of RESP 2.
async fn read(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Reply> {
    let mut line = String::new();
    anyhow::ensure!(stream.read_line(&mut line).await? > 0, "Redis hung up");
    let (kind, rest) = line.trim_end().split_at(1);
    Ok(match kind {
        "+" => Reply::Text(rest.to_owned()),
        ":" => Reply::Number(rest.parse()?),
        "$" => match rest.parse::<i64>()? {
            -1 => Reply::Nil,
            length => {
                let mut text = vec![0; usize::try_from(length)? + 2];
                stream.read_exact(&mut text).await?;
                text.truncate(text.len() - 2);
                Reply::Text(String::from_utf8(text)?)
            }
        },
        "*" => match rest.parse::<i64>()? {
            -1 => Reply::Nil,
            length => {
                let mut items = Vec::new();
                for _ in 0..length {
                    items.push(Box::pin(read(stream)).await?);
                }
                Reply::List(items)
            }
        },
        _ => anyhow::bail!("Redis said {line}"),
    })
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Nil | Self::Number(_) | Self::List(_) => panic!("no text: {self:?}"),
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Nil | Self::Number(_) | Self::Text(_) => panic!("no list: {self:?}"),
        }
    }
}
