//! A receiver of events: a real HTTP server that answers as a test says.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use ccm_runtime::Shell;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    /// Not at all, until the sender gives up.
    Never,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
    pub(crate) path: String,
}

type Script = Box<dyn FnMut(&Got, usize) -> Reply + Send>;

/// The server.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    scheme: &'static str,
    authority: Option<String>,
    script: Mutex<Script>,
    got: watch::Sender<Vec<Got>>,
    shell: Shell,
}

impl Receiver {
    /// Starts a server that answers each request as `script` says, which also sees how many came before.
    pub(crate) async fn start(script: impl FnMut(&Got, usize) -> Reply + Send + 'static) -> Self {
        Self::serve(script, None).await
    }

    /// Starts a server that takes everything.
    pub(crate) async fn willing() -> Self {
        Self::start(|_, _| Reply::Status(204)).await
    }

    /// Starts a server with a certificate of an authority that nobody knows.
    pub(crate) async fn with_tls() -> Self {
        let (acceptor, authority) = certified();
        Self::serve(|_, _| Reply::Status(200), Some((acceptor, authority))).await
    }

    async fn serve(
        script: impl FnMut(&Got, usize) -> Reply + Send + 'static,
        tls: Option<(TlsAcceptor, String)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shell = Shell::for_testing();
        let (acceptor, authority) = tls.unzip();
        let receiver = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            scheme: if acceptor.is_some() { "https" } else { "http" },
            authority,
            script: Mutex::new(Box::new(script)),
            got: watch::Sender::default(),
            shell: shell.clone(),
        }));
        let router = Router::new().fallback(answer).with_state(receiver.clone());
        match acceptor {
            None => shell.tasks.spawn("receiver", async move {
                axum::serve(listener, router).await.unwrap();
            }),
            Some(acceptor) => shell.tasks.spawn("receiver", async move {
                let listener = Tls { listener, acceptor };
                axum::serve(listener, router).await.unwrap();
            }),
        }
        receiver
    }

    /// Where it listens, with a path that nobody else need know.
    pub(crate) fn url(&self) -> String {
        self.url_of("127.0.0.1")
    }

    pub(crate) fn url_of(&self, host: &str) -> String {
        format!("{}://{host}:{}/hooks/hunter2", self.0.scheme, self.0.address.port())
    }

    /// PEM of its authority.
    pub(crate) fn authority(&self) -> &str {
        self.0.authority.as_deref().unwrap()
    }

    /// Answers otherwise from now on.
    pub(crate) fn answers(&self, script: impl FnMut(&Got, usize) -> Reply + Send + 'static) {
        *self.0.script.lock().unwrap() = Box::new(script);
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.0.got.borrow().clone()
    }

    /// Waits until so many requests came.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Got> {
        let mut got = self.0.got.subscribe();
        let wait = got.wait_for(|got| got.len() >= count);
        match tokio::time::timeout(Duration::from_secs(20), wait).await {
            Ok(got) => got.unwrap().clone(),
            Err(_) => panic!("{} of {count} requests came: {:?}", self.got().len(), self.ids()),
        }
    }

    /// The ids of the events that came, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.got().iter().map(Got::id).collect()
    }

    /// The sequence numbers that came, in order.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        self.got().iter().map(Got::seq).collect()
    }
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn seq(&self) -> u64 {
        self.json()["sequence"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The first time that each number came, in that order.
pub(crate) fn first_times(seqs: &[u64]) -> Vec<u64> {
    let mut known = HashSet::new();
    seqs.iter().copied().filter(|seq| known.insert(*seq)).collect()
}

async fn answer(
    State(receiver): State<Receiver>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let got = Got { headers, body, at: Instant::now(), path: uri.path().to_owned() };
    let reply = {
        let before = receiver.0.got.borrow().len();
        (receiver.0.script.lock().unwrap())(&got, before)
    };
    receiver.0.got.send_modify(|all| all.push(got));
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::With(status, name, value) => {
            let name = HeaderName::from_static(name);
            (StatusCode::from_u16(status).unwrap(), [(name, value)], Body::from("words"))
                .into_response()
        }
        Reply::Never => {
            receiver.0.shell.stopping().cancelled().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Accepts TLS; a connection that fails at it is one that the next one follows.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, peer) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

fn certified() -> (TlsAcceptor, String) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&own, &issuer).unwrap();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}
