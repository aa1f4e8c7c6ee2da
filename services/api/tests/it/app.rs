//! The API in process: requests go through the whole router, no port needed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use ccm_api::{ApiConfig, Deps};
use ccm_app::{Fleet, Tally};
use ccm_bus::LocalBus;
use ccm_config::section::{AuthMode, AuthSection, OidcSection};
use ccm_domain::Timestamp;
use ccm_ports::{Document, Query, Shared, Stores};
use ccm_runtime::Shell;
use ccm_store::Embedded;
use ccm_testkit::clock::MovedClock;
use http::{HeaderMap, Method, Request};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::faults::{Fault, faulty};

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_770_000_000_000);

/// The API with all that it stands on.
pub(crate) struct TestApp {
    pub(crate) fleet: Fleet,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) bus: LocalBus,
    pub(crate) shell: Shell,
    router: Router,
}

/// A request about to be sent.
pub(crate) struct Call<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::on(|_| {})
    }

    /// The same at another moment.
    pub(crate) fn new_at(start: Timestamp) -> Self {
        Self::built_at(start, |_| {}, &ApiConfig::for_testing())
    }

    /// The API that takes events from outside, of whoever has this token, so many in a minute.
    pub(crate) fn taking_events(token: &str, rate: u32) -> Self {
        Self::built(|_| {}, &Self::of_senders(token, rate))
    }

    /// The API whose callers log in, in the way that the section says.
    pub(crate) fn with_login(oidc: OidcSection) -> Self {
        let mut config = ApiConfig::for_testing();
        config.auth = AuthSection { mode: AuthMode::Oidc, oidc: Some(oidc) };
        Self::built(|_| {}, &config)
    }

    /// The same on a store that forgets who sent what.
    pub(crate) fn taking_events_on_a_broken_store(token: &str) -> Self {
        let broken = |stores: &mut Stores| stores.receipts = faulty(&stores.receipts, &Fault::Away);
        Self::built(broken, &Self::of_senders(token, 300))
    }

    fn of_senders(token: &str, rate: u32) -> ApiConfig {
        let mut config = ApiConfig::for_testing();
        let inbound = &mut config.relay.inbound;
        inbound.bearer = [token].into_iter().collect();
        (inbound.rate, inbound.origins) = (rate, vec!["hooks.example".to_owned()]);
        config
    }

    /// The API on a store that cannot be reached.
    pub(crate) fn with_broken_store() -> Self {
        Self::with_fault(&Fault::Away)
    }

    /// The API on a store with a bug.
    pub(crate) fn with_panicking_store() -> Self {
        Self::with_fault(&Fault::Panics)
    }

    /// The API on a store whose reads take long; the receiver counts those that began.
    pub(crate) fn with_slow_store(pause: Duration) -> (Self, watch::Receiver<usize>) {
        let (count, reads) = watch::channel(0);
        (Self::with_fault(&Fault::Slow(pause, count)), reads)
    }

    fn with_fault(fault: &Fault) -> Self {
        Self::on(|stores| {
            stores.workers = faulty(&stores.workers, fault);
            stores.settings = faulty(&stores.settings, fault);
            stores.commands = faulty(&stores.commands, fault);
            stores.schedules = faulty(&stores.schedules, fault);
        })
    }

    fn on(change: impl FnOnce(&mut Stores)) -> Self {
        Self::built(change, &ApiConfig::for_testing())
    }

    fn built(change: impl FnOnce(&mut Stores), config: &ApiConfig) -> Self {
        Self::built_at(START, change, config)
    }

    fn built_at(start: Timestamp, change: impl FnOnce(&mut Stores), config: &ApiConfig) -> Self {
        let clock = Arc::new(MovedClock::at(start));
        let bus = LocalBus::default();
        let mut stores = Embedded::memory().unwrap().stores();
        change(&mut stores);
        let fleet = Fleet { stores, clock: clock.clone(), bell: Arc::new(bus.clone()) };
        let shell = Shell::for_testing();
        let app = Self { router: Router::new(), fleet, clock, bus, shell };
        let listener = "127.0.0.1:8080".parse().unwrap();
        let router = ccm_api::router(app.deps(), config, listener, &app.shell).unwrap();
        Self { router, ..app }
    }

    /// Another process on the same store.
    pub(crate) fn twin(&self, oidc: OidcSection) -> Self {
        let mut config = ApiConfig::for_testing();
        config.auth = AuthSection { mode: AuthMode::Oidc, oidc: Some(oidc) };
        let shell = Shell::for_testing();
        let listener = "127.0.0.1:8080".parse().unwrap();
        let router = ccm_api::router(self.deps(), &config, listener, &shell).unwrap();
        let (fleet, clock, bus) = (self.fleet.clone(), self.clock.clone(), self.bus.clone());
        Self { fleet, clock, bus, shell, router }
    }

    pub(crate) fn deps(&self) -> Deps {
        Deps {
            fleet: self.fleet.clone(),
            feed: Arc::new(self.bus.clone()),
            process: "api-test".to_owned(),
            tally: Tally::new(),
        }
    }

    pub(crate) fn stores(&self) -> &Stores {
        &self.fleet.stores
    }

    /// A call below `/api/v1`.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.raw(method, &format!("/api/v1{path}"))
    }

    /// A call anywhere.
    pub(crate) fn raw(&self, method: Method, path: &str) -> Call<'_> {
        let path = path.to_owned();
        Call { app: self, method, path, headers: Vec::new(), body: None }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).json(body).send().await
    }

    /// Collection, key and revision of everything that is stored, with how much was told.
    pub(crate) async fn everything(&self) -> Vec<(String, String, u64)> {
        let stores = self.stores();
        let mut all = Vec::new();
        collect(&stores.workers, &mut all).await;
        collect(&stores.labs, &mut all).await;
        collect(&stores.schedules, &mut all).await;
        collect(&stores.runs, &mut all).await;
        collect(&stores.commands, &mut all).await;
        collect(&stores.replies, &mut all).await;
        collect(&stores.receipts, &mut all).await;
        collect(&stores.logins, &mut all).await;
        collect(&stores.settings, &mut all).await;
        let backlog = stores.outbox.backlog().await.unwrap();
        all.push(("outbox".to_owned(), String::new(), backlog));
        all
    }
}

async fn collect<D: Document>(shared: &Shared<D>, all: &mut Vec<(String, String, u64)>) {
    let page = shared.list(&Query::default()).await.unwrap();
    all.extend(page.items.iter().map(|doc| (D::COLLECTION.to_owned(), doc.key(), doc.rev())));
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn role(self, role: &str) -> Self {
        self.header("x-ccm-role", role)
    }

    pub(crate) fn if_match(self, rev: u64) -> Self {
        self.header("if-match", format!("\"{rev}\""))
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better with `json!` at the calls")]
    pub(crate) fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", kind)
    }

    pub(crate) async fn send(self) -> Answer {
        let (status, headers, bytes) = self.exchange().await;
        Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Sends it and returns headers and body as they are.
    pub(crate) async fn bytes(self) -> (HeaderMap, Bytes) {
        let (_, headers, bytes) = self.exchange().await;
        (headers, bytes)
    }

    async fn exchange(self) -> (u16, HeaderMap, Bytes) {
        let mut request = Request::builder().method(self.method).uri(self.path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", "127.0.0.1:8080");
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body.map_or_else(Body::empty, Body::from)).unwrap();
        let response = self.app.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get("content-type").map(|kind| kind.as_bytes());
        if kind == Some(b"text/event-stream") {
            // It does not end by itself.
            return (parts.status.as_u16(), parts.headers, Bytes::from_static(b"(a stream)"));
        }
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        (parts.status.as_u16(), parts.headers, bytes)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem's code; empty when it is none.
    pub(crate) fn code(&self) -> String {
        let is_problem = self.header("content-type") == "application/problem+json";
        if !is_problem {
            return String::new();
        }
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// The pointers of a problem's fields.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }

    /// Insists on a status and returns the body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Insists on a problem.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text);
        self.json()
    }
}
