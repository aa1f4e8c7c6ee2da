//! Opening a port.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted. tokio's default of 128 loses connects when all
/// browsers of a stopped pod come back at once.
const BACKLOG: u32 = 4096;

/// Opens `address` for listening; port 0 takes a free one.
///
/// # Errors
///
/// When the address cannot be bound, with the address in the message.
pub fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the connections of the last process to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().with_context(|| format!("listen on {address}"))
}
