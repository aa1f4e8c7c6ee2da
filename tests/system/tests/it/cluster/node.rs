//! One process of the product, its ports and its lines to the servers.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::process::Process;
use crate::proxy::Proxy;
use crate::waiting::within;

/// How long the admin port may take to answer.
const LIMIT: Duration = Duration::from_secs(3);

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Api,
    Scheduler,
    Relay,
}

/// A process of the product.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) process: Process,
    /// Where an API process serves, or a relay that takes events from outside.
    pub(crate) base: Option<String>,
    admin: SocketAddr,
    http: reqwest::Client,
    /// Its lines to the servers, where the test asked for them.
    pub(crate) lines: Option<Lines>,
}

/// The proxies through which one process reaches the others.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) mongo: Proxy,
    pub(crate) redis: Proxy,
    /// A scheduler's line to EC2 and the rest.
    pub(crate) aws: Option<Proxy>,
}

impl Kind {
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Api => "ccm-api",
            Self::Scheduler => "ccm-scheduler",
            Self::Relay => "ccm-relay",
        }
    }

    /// Returns the role for which processes of this kind hold a lease.
    pub(crate) const fn role(self) -> &'static str {
        match self {
            Self::Api => "none",
            Self::Scheduler => "scheduler",
            Self::Relay => "relay",
        }
    }
}

impl Node {
    pub(super) fn new(
        kind: Kind,
        process: Process,
        ports: (Option<String>, SocketAddr),
        lines: Option<Lines>,
    ) -> Self {
        let (base, admin) = ports;
        Self { kind, process, base, admin, http: crate::rest::client(), lines }
    }

    pub(crate) fn name(&self) -> &str {
        &self.process.recipe.name
    }

    pub(crate) const fn lines(&self) -> &Lines {
        self.lines.as_ref().expect("the plan asked for proxies")
    }

    /// Whether this is the process that others call `holder`.
    pub(crate) fn is_called(&self, holder: &str) -> bool {
        self.process.recipe.env["CCM_ADMIN__NAME"] == holder
    }

    /// Asks `/readyz`; returns the status and the parts.
    pub(crate) async fn readyz(&self) -> Result<(u16, Value), String> {
        let url = format!("http://{}/readyz", self.admin);
        let answer =
            self.http.get(url).timeout(LIMIT).send().await.map_err(|err| err.to_string())?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await.map_err(|err| err.to_string())?))
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&mut self, limit: Duration) {
        let name = self.name().to_owned();
        within(limit, &format!("{name} is ready"), async || {
            self.process.must_run();
            match self.readyz().await {
                Ok((200, _)) => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }

    /// Waits until it says that it is not ready.
    pub(crate) async fn not_ready(&self, limit: Duration) {
        within(limit, &format!("{} is not ready", self.name()), async || {
            match self.readyz().await {
                Ok((503, _)) => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }

    /// Returns everything that it measures.
    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.admin);
        within(LIMIT * 3, &url, async || {
            let answer = self.http.get(&url).timeout(LIMIT).send().await;
            answer.map_err(|err| err.to_string())?.text().await.map_err(|err| err.to_string())
        })
        .await
    }

    /// Returns the sum of a metric over all its labels; zero when it is not there.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        let value = |line: &str| {
            let rest = line.strip_prefix(name)?;
            let is_it = rest.starts_with([' ', '{']);
            is_it.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        };
        text.lines().filter_map(value).sum()
    }
}
