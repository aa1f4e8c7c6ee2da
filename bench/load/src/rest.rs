//! The part of the REST API that the scenarios use.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

/// No answer takes longer on a machine that is of any use.
const PATIENCE: Duration = Duration::from_secs(30);

/// One address of the product.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub(crate) http: reqwest::Client,
    base: String,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
struct Listed<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// What is looked at of a worker.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Worker {
    pub(crate) id: Uuid,
    pub(crate) rev: u64,
}

/// What is looked at of a schedule.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) name: String,
    pub(crate) running: Option<Value>,
    pub(crate) triggered: Option<String>,
}

/// What is looked at of a run.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
    pub(crate) counts: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
struct System {
    events: Option<Events>,
}

#[derive(Debug, Deserialize)]
struct Events {
    head: u64,
    backlog: u64,
}

impl Rest {
    pub(crate) fn new(base: &str) -> anyhow::Result<Self> {
        // No timeout for the whole answer: streams do not end.
        let http = reqwest::Client::builder().tcp_nodelay(true).no_proxy().build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    /// Whether the product answers.
    pub(crate) async fn is_up(&self) -> bool {
        self.get::<Value>("/system").await.is_ok()
    }

    pub(crate) async fn workers(&self) -> anyhow::Result<Vec<Worker>> {
        self.list("/workers").await
    }

    pub(crate) async fn schedules(&self) -> anyhow::Result<Vec<Schedule>> {
        self.list("/schedules").await
    }

    /// Pauses a schedule, or does what else its path says.
    pub(crate) async fn schedule(&self, name: &str, action: &str) -> anyhow::Result<Schedule> {
        let request = self.request(Method::POST, &format!("/schedules/{name}/{action}"));
        answer(request.json(&json!({}))).await
    }

    /// Returns the last runs of a schedule, newest first.
    pub(crate) async fn runs(&self, schedule: &str, limit: usize) -> anyhow::Result<Vec<Run>> {
        let path = format!("/runs?schedule={schedule}&limit={limit}");
        Ok(self.get::<Listed<Run>>(&path).await?.items)
    }

    /// Returns the number of the last event once nothing waits to be told.
    pub(crate) async fn told(&self) -> anyhow::Result<Option<u64>> {
        let System { events } = self.get("/system").await?;
        Ok(events.filter(|events| events.backlog == 0).map(|events| events.head))
    }

    /// Changes what a worker is said to run, which nothing acts on; returns the revision that this made.
    /// One committed change, one durable event.
    pub(crate) async fn change(&self, worker: Uuid, version: &str) -> anyhow::Result<u64> {
        let request = self.request(Method::PATCH, &format!("/workers/{worker}"));
        let body = json!({ "cml_version": version });
        let worker: Worker = answer(request.header("if-match", "*").json(&body)).await?;
        Ok(worker.rev)
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Listed<T> = self.get(&format!("{path}?limit=1000{cursor}")).await?;
            all.extend(page.items);
            let Some(next) = page.next_cursor else { return Ok(all) };
            cursor = format!("&cursor={next}");
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        answer(self.request(Method::GET, path)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).timeout(PATIENCE)
    }
}

/// Sends a request and reads the answer; a problem is an error in its own words.
async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<T> {
    let response = request.send().await?;
    let (status, path) = (response.status(), response.url().path().to_owned());
    let body = response.bytes().await?;
    if !status.is_success() {
        bail!("{path} answered {status}: {}", String::from_utf8_lossy(&body));
    }
    serde_json::from_slice(&body).with_context(|| format!("the answer of {path}"))
}
