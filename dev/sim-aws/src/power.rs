//! Tells a `sim-cml` which instances have power, as a rack's power bars would.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use ccm_domain::InstanceId;
use ccm_testkit::cloud::Cloud;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How often the states of all instances are compared with what was told before.
const EVERY: Duration = Duration::from_millis(100);
/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The `sim-cml` that is told.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    host: String,
}

impl Follower {
    /// Takes `http://HOST:PORT`.
    pub(crate) fn new(address: &str) -> anyhow::Result<Self> {
        let url = url::Url::parse(address).with_context(|| format!("--cml {address}"))?;
        if url.scheme() != "http" {
            bail!("--cml {address}: only http is spoken here");
        }
        let host = url.host_str().with_context(|| format!("--cml {address}: no host"))?;
        Ok(Self { host: format!("{host}:{}", url.port_or_known_default().unwrap_or(80)) })
    }

    /// Tells every change of power, for ever; what could not be told is told again.
    pub(crate) async fn follow(&self, cloud: &Cloud) {
        // To a sim-cml every controller has power since long ago: told again, the running ones would boot.
        let at_first = cloud.all().into_iter().map(|(_, machine)| (machine.instance.id, true));
        let mut told: BTreeMap<InstanceId, bool> = at_first.collect();
        loop {
            for (_, machine) in cloud.all() {
                let id = machine.instance.id;
                let on = cloud.powered_since(&id).is_some();
                if told.get(&id) == Some(&on) {
                    continue;
                }
                match tokio::time::timeout(PATIENCE, self.tell(&id, on)).await {
                    Ok(Ok(())) => {
                        told.insert(id, on);
                    }
                    Ok(Err(err)) => {
                        tracing::warn!(instance.id = %id, "power of {id} not told: {err:#}")
                    }
                    Err(_) => tracing::warn!(instance.id = %id, "power of {id} not told in time"),
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// `POST /{id}/_sim/power`; by hand, so that no HTTP client is needed for one request.
    async fn tell(&self, id: &InstanceId, on: bool) -> anyhow::Result<()> {
        let body = format!("{{\"on\":{on}}}");
        let request = format!(
            "POST /{id}/_sim/power HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.host,
            body.len(),
        );
        let mut stream = TcpStream::connect(&self.host).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        anyhow::ensure!(status.starts_with('2'), "sim-cml answered {status}");
        Ok(())
    }
}
