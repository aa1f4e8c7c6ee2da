//! What a test wants to run, and starting it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use url::Url;

use super::node::Lines;
use super::{Cluster, Kind, Node};
use crate::place::{binary, free_address, variable};
use crate::process::{Process, Recipe};
use crate::proxy::Proxy;
use crate::redis::OwnRedis;
use crate::rest::{Console, Rest};
use crate::waiting::eventually;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    counts: [(Kind, usize); 3],
    workers: usize,
    speed: f64,
    own_redis: bool,
    faulty: bool,
    env: BTreeMap<String, String>,
    /// Variables of one process alone.
    special: Vec<(Kind, usize, String, String)>,
}

/// Where the servers are for this test.
struct Servers {
    mongo: Url,
    redis: Url,
    namespace: String,
    aws: SocketAddr,
    cml: SocketAddr,
}

impl Default for Plan {
    fn default() -> Self {
        let env = [
            ("CCM_AUTH__MODE", "dev"),
            ("CCM_SSE__HEARTBEAT", "2s"),
            ("CCM_DRAIN__DELAY", "0s"),
            ("CCM_DRAIN__STREAMS", "2s"),
            ("CCM_AWS__REGIONS", "eu-central-1,us-east-1"),
            ("CCM_CML__USERNAME", "admin"),
            ("CCM_CML__PASSWORD", "admin"),
            // Often, so that a short test has many slots.
            ("CCM_JOBS__OBSERVE_INSTANCES__EVERY", "5s"),
            ("CCM_JOBS__COLLECT_MEASUREMENTS__EVERY", "5s"),
            ("CCM_JOBS__REFRESH_LABS__EVERY", "5s"),
            ("CCM_JOBS__DETECT_ACTIVITY__EVERY", "10s"),
            ("CCM_JOBS__RECONCILE_WORKERS__EVERY", "5s"),
            ("CCM_TELEMETRY__LOG_FORMAT", "json"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        Self {
            counts: [(Kind::Api, 1), (Kind::Scheduler, 1), (Kind::Relay, 1)],
            workers: 6,
            speed: 20.0,
            own_redis: false,
            faulty: false,
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            special: Vec::new(),
        }
    }
}

impl Plan {
    /// How many processes of each kind.
    pub(crate) fn with(mut self, api: usize, schedulers: usize, relays: usize) -> Self {
        self.counts = [(Kind::Api, api), (Kind::Scheduler, schedulers), (Kind::Relay, relays)];
        self
    }

    /// How many instances the world has at first.
    pub(crate) const fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// A Redis for this test alone, since it is going to suffer.
    pub(crate) const fn own_redis(mut self) -> Self {
        self.own_redis = true;
        self
    }

    /// Proxies of its own before every server, for every process.
    pub(crate) const fn faulty_lines(mut self) -> Self {
        self.faulty = true;
        self
    }

    /// A variable of every process.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable of the `nth` process of a kind.
    pub(crate) fn env_of(mut self, kind: Kind, nth: usize, name: &str, value: &str) -> Self {
        self.special.push((kind, nth, name.to_owned(), value.to_owned()));
        self
    }

    /// Starts everything; returns when all of it is ready.
    pub(crate) async fn start(self) -> Cluster {
        let folder = tempfile::Builder::new().prefix("ccm-system-").tempdir().unwrap();
        let (servers, sims, redis) = self.servers(folder.path()).await;
        let mut nodes = Vec::new();
        for (kind, count) in self.counts {
            for nth in 0..count {
                nodes.push(self.node(kind, nth, &servers, folder.path()).await);
            }
        }
        let apis = nodes.iter().filter(|node| node.kind == Kind::Api);
        let pods = apis.filter_map(|node| node.base.clone()).collect();
        let mut cluster = Cluster {
            nodes,
            redis,
            _sims: sims,
            aws: Console::new(format!("http://{}", servers.aws)),
            cml: Console::new(format!("http://{}", servers.cml)),
            rest: Rest::new(pods),
            namespace: servers.namespace,
            redis_address: address_of(&servers.redis),
            store: servers.mongo,
            folder: Some(folder),
        };
        cluster.all_ready().await;
        cluster
    }

    async fn servers(&self, folder: &Path) -> (Servers, [Process; 2], Option<OwnRedis>) {
        let (cml, aws) = (free_address(), free_address());
        let speed = self.speed.to_string();
        let listen = |address: SocketAddr| ["--listen".to_owned(), address.to_string()];
        let recipe = Recipe::new("sim-cml", binary("sim-cml"), folder).args(listen(cml)).args([
            "--workers",
            "0",
            "--no-people",
            "--speed",
            &speed,
        ]);
        let sim_cml = Process::start(recipe);
        answers(cml).await;
        let recipe = Recipe::new("sim-aws", binary("sim-aws"), folder)
            .args(listen(aws))
            .args(["--workers", &self.workers.to_string(), "--speed", &speed])
            .args(["--cml".to_owned(), format!("http://{cml}")]);
        let sim_aws = Process::start(recipe);
        answers(aws).await;
        let own = if self.own_redis { Some(OwnRedis::start(folder).await) } else { None };
        let redis = own.as_ref().map_or_else(
            || variable("CCM_TEST_REDIS_URL"),
            |own| format!("redis://{}", own.address),
        );
        let namespace = format!("t{:012x}", rand::random::<u64>() >> 16);
        let mut mongo: Url = variable("CCM_TEST_MONGO_URL").parse().unwrap();
        mongo.set_path(&format!("ccm_{namespace}"));
        let servers = Servers { mongo, redis: redis.parse().unwrap(), namespace, aws, cml };
        (servers, [sim_cml, sim_aws], own)
    }

    async fn node(&self, kind: Kind, nth: usize, servers: &Servers, folder: &Path) -> Node {
        let lines = if self.faulty { Some(Lines::before(kind, servers).await) } else { None };
        let through = |proxy: Option<&Proxy>, url: &Url| match proxy {
            Some(proxy) => by_way_of(url, proxy.address()),
            None => url.to_string(),
        };
        let mongo = through(lines.as_ref().map(|lines| &lines.mongo), &servers.mongo);
        let redis = through(lines.as_ref().map(|lines| &lines.redis), &servers.redis);
        let line = lines.as_ref().and_then(|lines| lines.aws.as_ref());
        let aws = line.map_or(servers.aws, Proxy::address);
        let admin = free_address();
        let name = format!("{}-{nth}", kind.program());
        let mut recipe = Recipe::new(&name, binary(kind.program()), folder)
            .env("CCM_ADMIN__NAME", &name)
            .env("CCM_ADMIN__LISTEN", admin.to_string())
            .env("CCM_STORE__URL", mongo)
            .env("CCM_BUS__URL", redis)
            .env("CCM_BUS__NAMESPACE", &servers.namespace);
        let http = (kind != Kind::Scheduler).then(free_address);
        if let Some(http) = http {
            recipe = recipe.env("CCM_HTTP__LISTEN", http.to_string());
        }
        if kind == Kind::Scheduler {
            recipe = recipe
                .env("AWS_ENDPOINT_URL", format!("http://{aws}"))
                .env("CCM_CML__ENDPOINT", format!("http://{}/{{instance_id}}", servers.cml));
        }
        for (name, value) in self.env.iter().filter(|(name, _)| concerns(name, kind)) {
            recipe = recipe.env(name, value);
        }
        for (_, _, name, value) in self.special.iter().filter(|it| (it.0, it.1) == (kind, nth)) {
            recipe = recipe.env(name, value);
        }
        let base = http.map(|http| format!("http://{http}"));
        Node::new(kind, Process::start(recipe), (base, admin), lines)
    }
}

impl Lines {
    async fn before(kind: Kind, servers: &Servers) -> Self {
        let aws = match kind {
            Kind::Scheduler => Some(Proxy::before(servers.aws).await),
            Kind::Api | Kind::Relay => None,
        };
        Self {
            mongo: Proxy::before(address_of(&servers.mongo)).await,
            redis: Proxy::before(address_of(&servers.redis)).await,
            aws,
        }
    }
}

/// Whether a process of this kind knows the key: unknown ones are refused.
fn concerns(variable: &str, kind: Kind) -> bool {
    let Some((section, _)) = variable.split_once("__") else { return true };
    match section {
        "CCM_AUTH" | "CCM_SSE" => kind == Kind::Api,
        "CCM_AWS" | "CCM_CML" | "CCM_JOBS" => kind == Kind::Scheduler,
        "CCM_HTTP" => kind != Kind::Scheduler,
        "CCM_RELAY" if variable.starts_with("CCM_RELAY__INBOUND__") => kind != Kind::Scheduler,
        "CCM_RELAY" => kind == Kind::Relay,
        _ => true,
    }
}

/// Returns the address of a URL's server, which is one host on this machine.
fn address_of(url: &Url) -> SocketAddr {
    let host = url.host_str().unwrap();
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let default = if url.scheme() == "mongodb" { 27_017 } else { 6_379 };
    format!("{host}:{}", url.port().unwrap_or(default)).parse().unwrap()
}

/// Returns the URL with another server.
fn by_way_of(url: &Url, proxy: SocketAddr) -> String {
    let mut url = url.clone();
    url.set_host(Some(&proxy.ip().to_string())).unwrap();
    url.set_port(Some(proxy.port())).unwrap();
    let is_direct = url.query_pairs().any(|(name, _)| name == "directConnection");
    if url.scheme() == "mongodb" && !is_direct {
        // Members of a replica set are not to be found out: they are behind the proxy.
        url.query_pairs_mut().append_pair("directConnection", "true");
    }
    url.to_string()
}

async fn answers(address: SocketAddr) {
    eventually(&format!("{address} answers"), async || {
        match tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
            Ok(connected) => connected.map(drop).map_err(|err| err.to_string()),
            Err(late) => Err(late.to_string()),
        }
    })
    .await;
}
