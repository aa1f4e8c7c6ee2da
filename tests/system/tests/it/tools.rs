//! The tools of these tests do what the tests rely on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::place::free_address;
use crate::process::{Process, Recipe};
use crate::proxy::Proxy;
use crate::waiting::eventually;

/// Long enough for anything on loopback to arrive.
const SOON: Duration = Duration::from_secs(5);
/// Nothing that is held may come within it.
const A_WHILE: Duration = Duration::from_millis(300);

/// A server that answers every byte with itself; counts what it heard.
struct Echo {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut from, mut to) = socket.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        Self { address, _tasks: tasks }
    }
}

/// Connects, all the way through.
async fn connect(proxy: &Proxy) -> TcpStream {
    let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
    socket.write_all(b"hello").await.unwrap();
    assert!(comes_back(&mut socket, "hello", SOON).await);
    socket
}

async fn comes_back(socket: &mut TcpStream, text: &str, within: Duration) -> bool {
    let mut back = vec![0; text.len()];
    let read = tokio::time::timeout(within, socket.read_exact(&mut back)).await;
    matches!(read, Ok(Ok(_))) && back == text.as_bytes()
}

async fn is_over(socket: &mut TcpStream) -> bool {
    let mut byte = [0];
    matches!(tokio::time::timeout(SOON, socket.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

#[tokio::test]
async fn a_proxy_passes_everything_on() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    assert_eq!(proxy.quiet_for(), None);
    let mut socket = connect(&proxy).await;
    let text = "x".repeat(1 << 20);

    let (mut from, mut to) = socket.split();
    let mut back = vec![0; text.len()];
    let (wrote, read) = tokio::join!(to.write_all(text.as_bytes()), from.read_exact(&mut back));

    wrote.unwrap();
    read.unwrap();
    assert!(back == text.as_bytes());
    assert!(proxy.quiet_for().unwrap() < SOON);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_cut_ends_connections_and_refuses_new_ones_until_it_is_restored() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    let mut socket = connect(&proxy).await;

    proxy.cut();

    assert!(is_over(&mut socket).await);
    eventually("connections are refused", async || {
        match TcpStream::connect(proxy.address()).await {
            Err(_) => Ok(()),
            Ok(_) => Err("it was accepted"),
        }
    })
    .await;
    proxy.restore();
    eventually("connections are served", async || {
        let mut socket =
            TcpStream::connect(proxy.address()).await.map_err(|err| err.to_string())?;
        socket.write_all(b"again").await.unwrap();
        if comes_back(&mut socket, "again", SOON).await {
            Ok(())
        } else {
            Err("no echo".to_owned())
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_ends_connections_and_takes_new_ones() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    let mut socket = connect(&proxy).await;

    proxy.reset();

    assert!(is_over(&mut socket).await);
    connect(&proxy).await;
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn what_a_silent_proxy_holds_arrives_when_it_is_restored() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    for hold in [Proxy::black_hole, Proxy::hold_requests] {
        let mut socket = connect(&proxy).await;

        hold(&proxy);

        socket.write_all(b"held").await.unwrap();
        assert!(!comes_back(&mut socket, "held", A_WHILE).await);
        proxy.restore();
        assert!(comes_back(&mut socket, "held", SOON).await);
    }
}

#[tokio::test]
async fn requests_are_held_from_the_one_on_that_was_named() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    let mut socket = connect(&proxy).await;

    proxy.hold_requests_from(&[b"third", b"one"]);

    socket.write_all(b"second").await.unwrap();
    assert!(comes_back(&mut socket, "second", SOON).await);
    assert!(!proxy.holds_requests());
    socket.write_all(b"a third one").await.unwrap();
    assert!(!comes_back(&mut socket, "a third one", A_WHILE).await);
    assert!(proxy.holds_requests());
    proxy.restore();
    assert!(comes_back(&mut socket, "a third one", SOON).await);
}

#[tokio::test]
async fn lost_replies_never_arrive_and_end_their_connection() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    let mut socket = connect(&proxy).await;

    proxy.lose_replies();

    socket.write_all(b"lost").await.unwrap();
    assert!(!comes_back(&mut socket, "lost", A_WHILE).await);
    proxy.restore();
    assert!(is_over(&mut socket).await);
}

#[tokio::test]
async fn a_slow_proxy_delays_without_narrowing() {
    let echo = Echo::start().await;
    let proxy = Proxy::before(echo.address).await;
    let each_way = Duration::from_millis(100);
    proxy.delay(each_way);
    let mut socket = connect(&proxy).await;
    let began = Instant::now();

    for _ in 0..10 {
        socket.write_all(b"0123456789").await.unwrap();
        tokio::task::yield_now().await;
    }

    assert!(comes_back(&mut socket, &"0123456789".repeat(10), SOON).await);
    let took = began.elapsed();
    assert!(took >= each_way * 2, "{took:?}");
    assert!(took < each_way * 10, "one after the other: {took:?}");
}

#[tokio::test]
async fn a_process_is_stopped_and_goes_on_and_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; echo started; while :; do echo beat >&3; sleep 0.02; done",
        address.port()
    );
    let listener = TcpListener::bind(address).await.unwrap();
    let recipe = Recipe::new("beats", "/bin/bash", folder.path()).args(["-c", &script]);
    let mut process = Process::start(recipe);
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut beat = [0; 5];
    socket.read_exact(&mut beat).await.unwrap();

    process.stop();
    let mut rest = vec![0; 1 << 16];
    while tokio::time::timeout(A_WHILE, socket.read(&mut rest)).await.is_ok_and(|n| n.unwrap() > 0)
    {
    }
    process.cont();
    socket.read_exact(&mut beat).await.unwrap();
    process.kill().await;

    assert!(!process.runs());
    while socket.read(&mut rest).await.unwrap_or(0) > 0 {}
    assert_eq!(process.log(), "started\n");
}
