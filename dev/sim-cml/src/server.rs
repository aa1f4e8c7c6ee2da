//! Accepts connections, finds the controller that a request is for, and lets faults happen.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::{Json, Router};
use ccm_domain::{InstanceId, Timestamp};
use ccm_testkit::lab_host::{Fault, LabHosts, Way};
use futures_util::{Stream, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::app::{App, Options, router};
use crate::site::Prefix;

/// A client that does not finish its handshake in this time is cut off.
const PATIENCE: Duration = Duration::from_secs(30);
const FLOOD: Bytes = Bytes::from_static(&[b' '; 16 * 1024]);

/// Serves the controllers of `world` until `stop`; then all connections are cut.
///
/// # Errors
/// Only when the listener itself fails for good.
pub async fn serve(
    listener: TcpListener,
    world: Arc<LabHosts>,
    options: Options,
    stop: CancellationToken,
) -> io::Result<()> {
    let acceptor = options.certificates.as_ref().map(|each| each.acceptor());
    let front = Front { world: Arc::clone(&world), router: router(App { world, options }) };
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // Ended connections are collected so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(err) => {
                    tracing::warn!(error = %err, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let (front, acceptor) = (front.clone(), acceptor.clone());
        connections.spawn(async move {
            match acceptor {
                None => front.converse(stream).await,
                Some(acceptor) => front.converse_encrypted(&acceptor, stream).await,
            }
        });
    }
}

/// The connection ends here instead of with an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nothing listens")
    }
}

impl std::error::Error for Cut {}

#[derive(Clone)]
struct Front {
    world: Arc<LabHosts>,
    router: Router,
}

impl Front {
    async fn converse_encrypted(&self, acceptor: &TlsAcceptor, stream: tokio::net::TcpStream) {
        match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream).await,
            Ok(Err(err)) => tracing::debug!(error = %err, "TLS handshake failed"),
            Err(_) => {}
        }
    }

    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.answer(request));
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(err) = served {
            tracing::debug!(error = %err, "connection ended");
        }
    }

    async fn answer(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let (prefix, rest) = split(request.uri());
        let is_behind = rest.path().starts_with("/_sim/");
        let Some(id) = prefix.or_else(|| (!is_behind).then(|| self.first()).flatten()) else {
            return Ok(self.route(request).await);
        };
        *request.uri_mut() = rest;
        request.extensions_mut().insert(Prefix(id.clone()));
        if is_behind {
            return Ok(self.route(request).await);
        }
        let reach = self.world.reach(&id);
        tokio::time::sleep(reach.delay).await;
        let mut response = match reach.way {
            Way::Closed => return Err(Cut),
            Way::Hangs => std::future::pending().await,
            Way::Fails(status) => failure(status),
            Way::Open => self.route(request).await,
            Way::Spoiled(Fault::Flood) => flood(),
            Way::Spoiled(_) => torn(self.route(request).await).await,
        };
        if let Some(date) = http_date(reach.clock) {
            response.headers_mut().insert(DATE, date);
        }
        Ok(response)
    }

    /// The controller that answers without a prefix.
    fn first(&self) -> Option<InstanceId> {
        self.world.ids().into_iter().next()
    }

    async fn route(&self, request: Request<Incoming>) -> Response<Body> {
        match self.router.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Takes the instance id off the front of a path.
fn split(uri: &Uri) -> (Option<InstanceId>, Uri) {
    let path = uri.path().trim_start_matches('/');
    let (first, _) = path.split_once('/').unwrap_or((path, ""));
    let Ok(id) = first.parse::<InstanceId>() else { return (None, uri.clone()) };
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str).trim_start_matches('/');
    let rest = &whole[first.len()..];
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    (Some(id), rest.parse().unwrap_or_default())
}

fn failure(status: u16) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let text = status.canonical_reason().unwrap_or("Error");
    if status == StatusCode::BAD_GATEWAY {
        // The web server's own page: the controller behind it is not there to write JSON.
        let page = format!("<html><head><title>502 {text}</title></head></html>");
        return (status, [(CONTENT_TYPE, "text/html")], page).into_response();
    }
    (status, Json(json!({ "code": status.as_u16(), "description": text }))).into_response()
}

/// Cuts an answer short so that it cannot be parsed.
async fn torn(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let half = Bytes::from([b"[", &whole[..whole.len() / 2]].concat());
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(half))
}

/// An answer that never ends.
fn flood() -> Response<Body> {
    let body = Body::from_stream(endless());
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn endless() -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::repeat_with(|| Ok(FLOOD))
}

fn http_date(at: Timestamp) -> Option<HeaderValue> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    HeaderValue::from_str(&at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}
