//! A TCP proxy that lets a network fail: cut, silent, slow, or in one direction only.
//!
//! What a silent direction takes in is held back, as a network does whose packets are sent again once it
//! works: after [`Proxy::restore`] it arrives, late. What a lossy direction takes in is gone, and so is the
//! connection once it works again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::place::free_address;

/// Bytes taken at a time.
const CHUNK: usize = 16 * 1024;
/// Chunks on their way through a slow connection.
const ON_THE_WAY: usize = 256;
/// How often a port is tried that is to be listened on again.
const RETRY: Duration = Duration::from_millis(20);

/// What happens to bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Passage {
    /// They arrive.
    #[default]
    Open,
    /// They arrive after this long.
    Slow(Duration),
    /// They are held until the passage is open again.
    Silent,
    /// They are thrown away; the connection ends when the passage is open again.
    Lossy,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Weather {
    /// Connections are refused.
    refuses: bool,
    /// Grows with each cut: connections of before have ended.
    cuts: u64,
    requests: Passage,
    replies: Passage,
    /// The first request with all of these in it is held, and all after it.
    trap: Vec<Vec<u8>>,
}

/// When something last went through, in microseconds since the proxy began.
#[derive(Debug)]
struct Traffic {
    began: Instant,
    requested: AtomicU64,
    connections: AtomicU64,
}

/// A proxy in front of one server.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    traffic: Arc<Traffic>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port in front of `server`.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let address = free_address();
        let listener = listen(address).await;
        let (weather, seen) = watch::channel(Weather::default());
        let traffic = Arc::new(Traffic {
            began: Instant::now(),
            requested: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        let springs = weather.clone();
        tasks.spawn(serve(listener, server, (seen, springs), Arc::clone(&traffic)));
        Self { address, weather, traffic, _tasks: tasks }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and refuses new ones.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| {
            weather.cuts += 1;
            weather.refuses = true;
        });
    }

    /// Ends all connections; new ones are welcome.
    pub(crate) fn reset(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Takes connections and everything on them, and passes nothing on in either direction.
    pub(crate) fn black_hole(&self) {
        self.set(Passage::Silent, Passage::Silent);
    }

    /// Lets requests through and throws the replies away.
    pub(crate) fn lose_replies(&self) {
        self.set(Passage::Open, Passage::Lossy);
    }

    /// Holds requests back; replies to earlier ones arrive.
    pub(crate) fn hold_requests(&self) {
        self.set(Passage::Silent, Passage::Open);
    }

    /// Does so from the first request on that has all of these in it.
    pub(crate) fn hold_requests_from(&self, parts: &[&[u8]]) {
        let trap = parts.iter().map(|part| part.to_vec()).collect();
        self.weather.send_modify(|weather| weather.trap = trap);
    }

    /// Returns whether requests are held back.
    pub(crate) fn holds_requests(&self) -> bool {
        self.weather.borrow().requests == Passage::Silent
    }

    /// Delays each direction by this long.
    pub(crate) fn delay(&self, each_way: Duration) {
        self.set(Passage::Slow(each_way), Passage::Slow(each_way));
    }

    /// Lets everything through again.
    pub(crate) fn restore(&self) {
        self.weather.send_modify(|weather| {
            weather.refuses = false;
            (weather.requests, weather.replies) = (Passage::Open, Passage::Open);
            weather.trap = Vec::new();
        });
    }

    /// Returns how long ago something was last requested through it; none when nothing was ever.
    pub(crate) fn quiet_for(&self) -> Option<Duration> {
        let last = self.traffic.requested.load(Ordering::Acquire);
        let since = self.traffic.began.elapsed();
        (last > 0).then(|| since.saturating_sub(Duration::from_micros(last)))
    }

    /// Returns how many connections were ever made through it.
    pub(crate) fn connections(&self) -> u64 {
        self.traffic.connections.load(Ordering::Acquire)
    }

    fn set(&self, requests: Passage, replies: Passage) {
        self.weather.send_modify(|weather| {
            (weather.requests, weather.replies) = (requests, replies);
        });
    }
}

impl Weather {
    /// Holds requests from this one on if it is the one that is waited for; returns whether it is.
    fn spring(&mut self, request: &[u8]) -> bool {
        let has = |bytes: &Vec<u8>| request.windows(bytes.len()).any(|part| part == bytes);
        if self.trap.is_empty() || !self.trap.iter().all(has) {
            return false;
        }
        (self.trap, self.requests) = (Vec::new(), Passage::Silent);
        true
    }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    (mut weather, springs): (watch::Receiver<Weather>, watch::Sender<Weather>),
    traffic: Arc<Traffic>,
) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let refuses = weather.borrow_and_update().refuses;
        if refuses {
            // Without a listener the system itself refuses.
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen(address).await);
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = weather.changed() => if changed.is_err() { return },
            Ok((client, _)) = accepted => {
                traffic.connections.fetch_add(1, Ordering::AcqRel);
                let springs = springs.clone();
                connections.spawn(connection(client, server, springs, Arc::clone(&traffic)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

async fn connection(
    client: TcpStream,
    server: SocketAddr,
    springs: watch::Sender<Weather>,
    traffic: Arc<Traffic>,
) {
    let mut weather = springs.subscribe();
    let cuts = weather.borrow_and_update().cuts;
    let cut = {
        let mut weather = weather.clone();
        async move { weather.wait_for(|now| now.cuts != cuts).await.map(drop) }
    };
    let passed = async {
        // A server that is away looks to the client like one that hangs up.
        let Ok(server) = TcpStream::connect(server).await else { return };
        let (from_client, to_client) = split(client);
        let (from_server, to_server) = split(server);
        let note = move |chunk: &[u8]| {
            springs.send_if_modified(|now| now.spring(chunk));
            let since = u64::try_from(traffic.began.elapsed().as_micros()).unwrap();
            traffic.requested.store(since.max(1), Ordering::Release);
        };
        let requests = pass(from_client, to_server, weather.clone(), |now| now.requests, note);
        let replies = pass(from_server, to_client, weather.clone(), |now| now.replies, |_| {});
        // Whichever end hangs up takes the other along, as Redis and MongoDB do.
        tokio::select! {
            () = requests => {}
            () = replies => {}
        }
    };
    tokio::select! {
        _ = cut => {}
        () = passed => {}
    }
}

fn split(socket: TcpStream) -> (tokio::net::tcp::OwnedReadHalf, tokio::net::tcp::OwnedWriteHalf) {
    // Small messages must not wait for each other.
    let _ = socket.set_nodelay(true);
    socket.into_split()
}

/// Passes bytes on until an end hangs up.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    passage: impl Fn(&Weather) -> Passage,
    note: impl Fn(&[u8]),
) {
    let (queue, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let mut gate = weather.clone();
    let taking = async {
        let mut lost = false;
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = tokio::select! {
                read = from.read(&mut chunk) => read.unwrap_or(0),
                _ = weather.wait_for(|now| lost && passage(now) != Passage::Lossy) => 0,
            };
            if read == 0 {
                return;
            }
            chunk.truncate(read);
            note(&chunk);
            let at = match passage(&weather.borrow()) {
                Passage::Open | Passage::Silent => Instant::now(),
                Passage::Slow(by) => Instant::now() + by,
                Passage::Lossy => {
                    lost = true;
                    continue;
                }
            };
            if queue.send((at, chunk)).await.is_err() {
                return;
            }
        }
    };
    let giving = async {
        while let Some((at, chunk)) = due.recv().await {
            tokio::time::sleep_until(at).await;
            let open = gate.wait_for(|now| passage(now) != Passage::Silent).await.is_ok();
            if !open || to.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = taking => {}
        () = giving => {}
    }
}
