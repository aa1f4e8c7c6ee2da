//! A way to a server that loses what goes over it without saying so, as a firewall does that forgot.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A proxy; ends when it is dropped.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    /// Connections made before this many were forgotten go nowhere.
    era: watch::Sender<u64>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let era = watch::Sender::new(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, port, era.subscribe()));
        Self { address, era, _tasks: tasks }
    }

    /// Forgets the connections that there are: they stay open, and nothing passes. New ones work.
    pub(super) fn forget(&self) {
        self.era.send_modify(|era| *era += 1);
    }
}

async fn serve(listener: TcpListener, port: u16, era: watch::Receiver<u64>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        connections.spawn(carry(client, port, era.clone()));
    }
}

async fn carry(client: TcpStream, port: u16, mut era: watch::Receiver<u64>) {
    let born = *era.borrow_and_update();
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let both = async {
        tokio::select! {
            () = copy(&mut from_client, &mut to_server) => {}
            () = copy(&mut from_server, &mut to_client) => {}
        }
    };
    tokio::select! {
        () = both => return,
        _ = era.wait_for(|now| *now > born) => {}
    }
    // Holds both ends open.
    std::future::pending::<()>().await;
}

async fn copy(from: &mut (impl AsyncReadExt + Unpin), to: &mut (impl AsyncWriteExt + Unpin)) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
