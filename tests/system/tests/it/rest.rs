//! The product's REST API, and the consoles of the simulators.

use std::fmt;
use std::time::Duration;

use rand::seq::IndexedRandom as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::waiting::{PATIENCE, within};

/// How long an answer may take; the slowest that the product allows itself is below it.
const LIMIT: Duration = Duration::from_secs(15);

/// Some API processes behind one name, as a load balancer would have them.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    http: reqwest::Client,
    pods: Vec<String>,
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) etag: Option<String>,
    /// The trace that it is of, with its last span.
    pub(crate) trace: Option<String>,
    pub(crate) body: Value,
}

/// Why there is no answer, or not the wanted one.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Nothing came back: whether it was done is not known.
    Lost(String),
    /// It was refused.
    Refused(Box<Answer>),
}

impl Rest {
    pub(crate) fn new(pods: Vec<String>) -> Self {
        Self { http: client(), pods }
    }

    /// Returns the same API through one of its processes alone.
    pub(crate) fn only(&self, pod: usize) -> Self {
        Self { http: self.http.clone(), pods: vec![self.pods[pod].clone()] }
    }

    pub(crate) fn pods(&self) -> &[String] {
        &self.pods
    }

    /// Sends one request to one process by chance; never repeats it.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, NoAnswer> {
        let pod = self.pods.choose(&mut rand::rng()).unwrap();
        let mut request = self.http.request(method, format!("{pod}/api/v1{path}")).timeout(LIMIT);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let lost = |err: reqwest::Error| NoAnswer::Lost(format!("{path}: {err:?}"));
        let response = request.send().await.map_err(lost)?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (retry_after, etag) = (header("retry-after"), header("etag"));
        let trace = header("traceresponse");
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(lost)?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let answer = Answer { status, retry_after, etag, trace, body };
        if (200..300).contains(&status) {
            Ok(answer)
        } else {
            Err(NoAnswer::Refused(Box::new(answer)))
        }
    }

    /// Reads something, again and again until it is answered: reading does no harm.
    pub(crate) async fn get(&self, path: &str) -> Value {
        within(PATIENCE, path, async || self.try_get(path).await).await
    }

    pub(crate) async fn try_get(&self, path: &str) -> Result<Value, NoAnswer> {
        Ok(self.send(Method::GET, path, None, &[]).await?.body)
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Result<Value, NoAnswer> {
        Ok(self.send(Method::POST, path, Some(body), &[]).await?.body)
    }

    /// Asks for something until it is answered, under one idempotency key.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let key = format!("system-test-{:016x}", rand::random::<u64>());
        let headers = [("idempotency-key", key.as_str())];
        let answer = within(PATIENCE, path, async || {
            self.send(Method::POST, path, Some(body), &headers).await
        });
        answer.await.body
    }

    /// Reads something as the text that came over the wire.
    pub(crate) async fn text(&self, path: &str) -> String {
        within(PATIENCE, path, async || {
            let pod = self.pods.choose(&mut rand::rng()).unwrap();
            let request = self.http.get(format!("{pod}/api/v1{path}")).timeout(LIMIT);
            let response = request.send().await?.error_for_status()?;
            response.text().await
        })
        .await
    }

    /// Reads all pages of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        let mark = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.get(&format!("{path}{mark}limit=1000{cursor}")).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return items };
            cursor = format!("&cursor={next}");
        }
    }

    pub(crate) async fn workers(&self) -> Vec<Value> {
        self.list("/workers?include_terminated=true").await
    }

    /// Waits until an operation has ended and returns it.
    pub(crate) async fn ended(&self, operation: &str, limit: Duration) -> Value {
        within(limit, &format!("operation {operation} ends"), async || {
            let seen = self.try_get(&format!("/operations/{operation}")).await;
            let seen = seen.map_err(|err| format!("{err:?}"))?;
            match seen["state"].as_str() {
                Some("succeeded" | "failed" | "canceled") => Ok(seen),
                _ => Err(seen.to_string()),
            }
        })
        .await
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(why) => write!(f, "no answer: {why}"),
            Self::Refused(answer) => write!(f, "{} {}", answer.status, answer.body),
        }
    }
}

/// Returns the id of the operation that an answer began.
pub(crate) fn operation_of(answer: &Value) -> String {
    let id = answer["operation"]["id"].as_str();
    id.unwrap_or_else(|| panic!("no operation in {answer}")).to_owned()
}

/// A simulator's `/_sim`.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    http: reqwest::Client,
    pub(crate) base: String,
}

impl Console {
    pub(crate) fn new(base: String) -> Self {
        Self { http: client(), base }
    }

    /// Reads `path` below `/_sim`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}/_sim/{path}", self.base);
        self.http.get(url).timeout(LIMIT).send().await.unwrap().json().await.unwrap()
    }

    /// Does something; `path` is from the root, since each controller of `sim-cml` has its own console.
    pub(crate) async fn post(&self, path: &str, body: &Value) {
        let url = format!("{}{path}", self.base);
        let answer = self.http.post(url).json(body).timeout(LIMIT).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
    }

    /// Ends all faults of one controller.
    pub(crate) async fn heal(&self, instance: &str) {
        let url = format!("{}/{instance}/_sim/faults", self.base);
        let answer = self.http.delete(url).timeout(LIMIT).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Sets the faults of the cloud that are in force from here on.
    pub(crate) async fn faults(&self, faults: &Value) {
        self.post("/_sim/faults", faults).await;
    }

    pub(crate) async fn no_faults(&self) {
        self.faults(&json!({})).await;
    }
}

/// Returns a client that speaks to loopback, whatever proxies the environment names.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
