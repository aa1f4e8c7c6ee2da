//! A public port: an accept loop of our own, HTTP/1.1 only.
//!
//! `axum::serve` cannot set what matters here: no delay for small frames, a bound on slow request heads, and
//! an end that waits for answers under way but for nothing else.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::{Part, Shell};

/// Longer than the 60 s for which load balancers keep idle connections, so that they close them and not we:
/// a request on its way to a closed connection would be lost.
const IDLE: Duration = Duration::from_secs(75);

/// Out of file descriptors: accepting again at once would only spin.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// What belongs to one connection; its requests have it among their extensions, beside `ConnectInfo`.
pub trait Visit: Clone + Default + Send + Sync + 'static {
    /// Waits until the connection must be cut, whatever is under way on it.
    fn is_over(&self) -> impl Future<Output = ()> + Send;
}

/// Nothing belongs to it, and only its peer and the end of the process cut it.
impl Visit for () {
    async fn is_over(&self) {
        std::future::pending().await
    }
}

/// Serves until the process stops. Answers under way are finished; idle connections end at once.
///
/// # Errors
///
/// None at present: what fails is about one connection.
pub async fn serve<V: Visit>(
    listener: TcpListener,
    router: Router,
    shell: Shell,
) -> anyhow::Result<()> {
    let stop = shell.stopping();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, keeper) = (router.clone(), shell.clone());
                let connection = connection(stream, peer, router, keeper, V::default());
                shell.tasks.spawn("connection", connection);
            }
            Err(err) if is_of_one_peer(&err) => {}
            Err(err) => {
                tracing::warn!(
                    error = &err as &dyn std::error::Error,
                    "no connection could be accepted"
                );
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}

async fn connection<V: Visit>(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shell: Shell,
    visit: V,
) {
    // Held while the connection lives: stopping waits for its answer.
    let _hold = shell.hold(Part::Requests);
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let of_request = visit.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(of_request.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let stop = shell.stopping();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // Such as an event stream that was ended while nobody reads it; hyper would wait for its reader.
        () = visit.is_over() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = visit.is_over() => return,
            }
        }
    };
    if let Err(err) = ended {
        // Browsers cut connections all the time.
        tracing::debug!(error = &err as &dyn std::error::Error, "connection of {peer} ended early");
    }
}

/// The peer gave up before it was served; the next one waits already.
fn is_of_one_peer(err: &std::io::Error) -> bool {
    matches!(
        err.kind(),
        std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::ConnectionRefused
    )
}
