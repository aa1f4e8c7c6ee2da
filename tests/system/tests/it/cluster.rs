//! The product as it is run in earnest: any number of each process, real servers, a world of its own.
//!
//! ```text
//! browsers, REST ──► api … api      scheduler … scheduler ──► sim-aws ──► sim-cml
//!                     │  relay … relay  │  (each over proxies of its own where a test asks for it)
//!                     └──► MongoDB, Redis ◄──┘
//! ```

mod node;
mod plan;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

pub(crate) use node::{Kind, Node};
pub(crate) use plan::Plan;

use crate::checker::Begun;
use crate::process::Process;
use crate::redis::OwnRedis;
use crate::rest::{Console, Rest, operation_of};
use crate::sse::{Browsers, Manners};
use crate::waiting::{PATIENCE, eventually, within};

/// Everything that runs for one test.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Before the folder, so that all have ended when that goes.
    pub(crate) nodes: Vec<Node>,
    pub(crate) redis: Option<OwnRedis>,
    _sims: [Process; 2],
    pub(crate) aws: Console,
    pub(crate) cml: Console,
    pub(crate) rest: Rest,
    pub(crate) namespace: String,
    pub(crate) redis_address: SocketAddr,
    /// The store's URL, past all proxies.
    pub(crate) store: Url,
    folder: Option<TempDir>,
}

/// Who leads a role, as the lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lead {
    pub(crate) epoch: u64,
    pub(crate) holder: String,
}

impl Cluster {
    pub(crate) fn plan() -> Plan {
        Plan::default()
    }

    /// Returns the processes of one kind.
    pub(crate) fn of(&self, kind: Kind) -> Vec<usize> {
        (0..self.nodes.len()).filter(|nth| self.nodes[*nth].kind == kind).collect()
    }

    pub(crate) fn node(&mut self, nth: usize) -> &mut Node {
        &mut self.nodes[nth]
    }

    /// Returns the addresses of all API processes, for browsers.
    pub(crate) fn pods(&self) -> Vec<String> {
        self.rest.pods().to_vec()
    }

    pub(crate) fn browsers(&self, count: usize, manners: &Manners, seed: u64) -> Browsers {
        Browsers::open(&self.pods(), count, manners, seed)
    }

    /// Waits until every process that runs is ready.
    pub(crate) async fn all_ready(&mut self) {
        for node in &mut self.nodes {
            if node.process.runs() {
                node.ready(PATIENCE).await;
            }
        }
    }

    /// Returns who leads a role; none while the lease is free.
    pub(crate) async fn lead(&self, kind: Kind) -> Option<Lead> {
        let system = self.rest.try_get("/system").await.ok()?;
        let leaders = system["leaders"].as_array()?;
        let leader = leaders.iter().find(|it| it["role"] == kind.role())?;
        let holder = leader["holder"].as_str()?.to_owned();
        Some(Lead { epoch: leader["epoch"].as_u64()?, holder })
    }

    /// Waits until a process leads the role and returns it with its epoch.
    pub(crate) async fn leader(&self, kind: Kind) -> (usize, u64) {
        eventually(&format!("somebody leads the {}", kind.role()), async || {
            let lead = self.lead(kind).await.ok_or("nobody")?;
            let holds = |nth: &usize| self.nodes[*nth].is_called(&lead.holder);
            let nth = self.of(kind).into_iter().find(holds).ok_or("nobody of ours")?;
            Ok::<_, &str>((nth, lead.epoch))
        })
        .await
    }

    /// Waits for a term after `epoch`; returns who leads it and how long it took from `since`.
    pub(crate) async fn next_leader(
        &self,
        kind: Kind,
        epoch: u64,
        since: Instant,
    ) -> (Lead, Duration) {
        let lead = within(PATIENCE, &format!("the next {}", kind.role()), async || {
            self.lead(kind).await.filter(|lead| lead.epoch > epoch).ok_or("nobody")
        })
        .await;
        (lead, since.elapsed())
    }

    /// Makes workers of all instances of the world.
    pub(crate) async fn import(&self) -> Vec<Value> {
        for region in ["eu-central-1", "us-east-1"] {
            let body = json!({"region": region, "ami_name": "*cml2*", "all": true});
            let answer = self.rest.post("/workers/import", &body).await;
            let ended = self.rest.ended(&operation_of(&answer), PATIENCE).await;
            assert_eq!(ended["state"], "succeeded", "{ended}");
        }
        self.rest.workers().await
    }

    /// Asks for a new worker and returns its operation.
    pub(crate) async fn create(&self, name: &str) -> Begun {
        let answer = self.rest.post("/workers", &a_worker(name)).await;
        Begun::of(&answer).unwrap_or_else(|| panic!("no operation in {answer}"))
    }

    /// Returns the number of the last event told.
    pub(crate) async fn head(&self) -> u64 {
        self.rest.get("/system").await["events"]["head"].as_u64().unwrap()
    }

    /// Waits until nothing is left to be told.
    pub(crate) async fn everything_told(&self, limit: Duration) {
        within(limit, "everything is told", async || {
            let events = self.rest.get("/system").await["events"].clone();
            if events["backlog"] == 0 { Ok(()) } else { Err(events) }
        })
        .await;
    }

    /// Ends everything in good order; panics when a process had ended by itself or had panicked.
    pub(crate) async fn end(mut self) {
        for node in &mut self.nodes {
            node.process.must_run();
        }
        for node in &mut self.nodes {
            if node.process.runs() {
                node.process.cont();
                let status = node.process.term(Duration::from_secs(30)).await;
                assert!(status.success(), "{} ended with {status}", node.name());
            }
        }
        for node in &self.nodes {
            let log = node.process.log();
            let panic = log.lines().find(|line| line.contains("panicked at"));
            assert!(panic.is_none(), "{}: {}", node.name(), panic.unwrap_or_default());
        }
    }
}

/// Returns what to ask for when a worker is to be made.
pub(crate) fn a_worker(name: &str) -> Value {
    json!({
        "name": name,
        "region": "eu-central-1",
        "instance_type": "c5.2xlarge",
        "ami_name": "cml2-p_amd64-2.9.0-6",
    })
}

impl Drop for Cluster {
    /// Shows what the processes said last when a test fails, and keeps all of it.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for node in &self.nodes {
            println!("\n== {} said last:\n{}", node.name(), node.process.tail());
        }
        if let Some(folder) = self.folder.take() {
            println!("\n== the logs are kept in {}", folder.keep().display());
        }
    }
}
