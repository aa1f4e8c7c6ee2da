//! A server with a moved clock, and a plain HTTP client for it.

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{InstanceId, Timestamp};
use ccm_sim_cml::{Options, Switches, serve};
use ccm_testkit::clock::MovedClock;
use ccm_testkit::lab_host::{HostOptions, LabHosts};
use ccm_testkit::people::Habit;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) const FIRST: &str = "i-0abcd1234ef567890";
pub(crate) const SECOND: &str = "i-0abcd1234ef567891";

/// The server and what is needed to talk to it.
pub(crate) struct Sim {
    pub(crate) base: String,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) world: Arc<LabHosts>,
    http: reqwest::Client,
    _server: JoinSet<()>,
}

impl Sim {
    pub(crate) async fn new() -> Self {
        Self::of("2.9.0").await
    }

    pub(crate) async fn of(version: &str) -> Self {
        let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let clock = Arc::new(MovedClock::at(start));
        let switches = Arc::new(Switches::on_since(start.minus(Duration::from_secs(3_600))));
        let options = HostOptions {
            version: version.to_owned(),
            people: false,
            habit: Some(Habit::Bursts),
            ..HostOptions::default()
        };
        let world = Arc::new(LabHosts::new(clock.clone(), switches.clone(), options));
        for id in [FIRST, SECOND] {
            world.visit(&id.parse::<InstanceId>().unwrap(), |_, _| ()).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let options =
            Options { token_life_secs: 3_600, switches: Some(switches), certificates: None };
        let mut server = JoinSet::new();
        let served = world.clone();
        server.spawn(async move {
            serve(listener, served, options, CancellationToken::new()).await.unwrap();
        });
        Self { base, clock, world, http: reqwest::Client::new(), _server: server }
    }

    /// A request to any path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Logs in to a worker and returns the token.
    pub(crate) async fn token(&self, worker: &str) -> String {
        let body = json!({ "username": "admin", "password": "admin" });
        let path = format!("/{worker}/api/v0/authenticate");
        let (status, token) = answer(self.request(Method::POST, &path).json(&body)).await;
        assert_eq!(status, StatusCode::OK);
        token.as_str().unwrap().to_owned()
    }

    /// Calls the first worker's API as the administrator.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let token = self.token(FIRST).await;
        let request = self.request(method, &format!("/{FIRST}/api/v0/{path}")).bearer_auth(token);
        answer(match body {
            None => request,
            Some(body) => request.json(&body),
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Returns the id of the first worker's first lab.
    pub(crate) async fn first_lab(&self) -> String {
        self.get("labs?show_all=true").await[0].as_str().unwrap().to_owned()
    }
}

/// Sends a request; a body that is no JSON comes as a string.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
