//! Commands: through bounded pools, every step with a limit.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ccm_ports::BusError;
use deadpool_redis::sentinel::{self, SentinelNodeConnectionInfo, SentinelServerType, TlsMode};
use deadpool_redis::{PoolConfig, Runtime, Timeouts};
use redis::aio::ConnectionLike;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisFuture, Value};

use super::error::{Failed, unavailable};
use super::script::Call;
use super::servers::{Kind, Servers};

/// The longest that a call takes, with everything that it waits for.
pub(super) const CALL: Duration = Duration::from_millis(1_800);
/// The longest wait for one answer; the driver's own is half a second, or for ever.
pub(super) const RESPONSE: Duration = Duration::from_secs(1);
/// The longest wait for a connection, greeting included.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// The same for each node of a cluster: the driver waits twice for those that hang before it uses the others.
pub(super) const CONNECT_NODE: Duration = Duration::from_millis(400);
/// The longest wait for a free connection, and for the proof that it still works.
const POOL: Duration = Duration::from_millis(500);
/// Connections of one process for commands.
const CONNECTIONS: usize = 8;
/// How often the driver follows a cluster that changes, within [`RESPONSE`].
const REDIRECTIONS: u32 = 4;

/// The way for commands.
pub(super) enum Link {
    One(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    Cluster(Box<Cluster>),
}

/// A cluster's connection is shared by all calls already; the pool's has no limits that could be set.
pub(super) struct Cluster {
    client: ClusterClient,
    connection: Mutex<Option<ClusterConnection>>,
}

impl Link {
    /// Returns a way to the servers; connects when it is used.
    pub(super) fn new(servers: &Servers) -> Result<Self, BusError> {
        let mut entries = servers.entries().map_err(Failed::Redis)?;
        match &servers.kind {
            Kind::One => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT))
                    .set_response_timeout(Some(RESPONSE));
                let manager = deadpool_redis::Manager::new_with_config(entries.remove(0), config)
                    .map_err(Failed::Redis)?;
                let pool = deadpool_redis::Pool::builder(manager)
                    .config(pool())
                    .runtime(Runtime::Tokio1)
                    .build();
                Ok(Self::One(pool.map_err(unavailable)?))
            }
            Kind::Sentinel { service, .. } => {
                let node = SentinelNodeConnectionInfo {
                    tls_mode: servers.tls.then_some(TlsMode::Secure),
                    redis_connection_info: Some(servers.settings().into()),
                };
                let primary = SentinelServerType::Master;
                let manager = sentinel::Manager::new(entries, service.clone(), Some(node), primary)
                    .map_err(Failed::Redis)?;
                let pool = sentinel::Pool::builder(manager)
                    .config(pool())
                    .runtime(Runtime::Tokio1)
                    .build();
                Ok(Self::Sentinel(pool.map_err(unavailable)?))
            }
            Kind::Cluster => {
                let client = ClusterClient::builder(entries)
                    .connection_timeout(CONNECT_NODE)
                    .response_timeout(RESPONSE)
                    .retries(REDIRECTIONS)
                    .build()
                    .map_err(Failed::Redis)?;
                Ok(Self::Cluster(Box::new(Cluster { client, connection: Mutex::default() })))
            }
        }
    }

    /// Calls a script.
    pub(super) async fn script<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, BusError> {
        // The driver's way to a connection is a large future.
        let connection = Box::pin(self.connection());
        let answer = async { Ok(call.invoke(&mut connection.await?).await?) };
        self.within(CALL, answer).await
    }

    /// Gives a command.
    pub(super) async fn command<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, BusError> {
        let connection = Box::pin(self.connection());
        let answer = async { Ok(command.query_async(&mut connection.await?).await?) };
        self.within(limit, answer).await
    }

    async fn within<T>(
        &self,
        limit: Duration,
        answer: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, BusError> {
        let answer = tokio::time::timeout(limit, answer).await;
        let failed = match answer.unwrap_or(Err(Failed::Late(limit))) {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        if failed.spoils_connections() {
            self.forget();
        }
        Err(failed.into())
    }

    async fn connection(&self) -> Result<Connection, Failed> {
        match self {
            Self::One(pool) => Ok(Connection::One(pool.get().await?)),
            Self::Sentinel(pool) => {
                let mut connection = pool.get().await.map_err(sentinel_failed)?;
                connection.set_response_timeout(RESPONSE);
                Ok(Connection::Sentinel(connection))
            }
            Self::Cluster(cluster) => Ok(Connection::Cluster(cluster.connection().await?)),
        }
    }

    /// Lets go of connections that nobody uses: the next call finds the servers anew.
    pub(super) fn forget(&self) {
        match self {
            Self::One(pool) => drop(pool.retain(|_, _| false)),
            Self::Sentinel(pool) => drop(pool.retain(|_, _| false)),
            Self::Cluster(cluster) => *cluster.lock() = None,
        }
    }
}

/// Same type, same meaning: both pools are of the same driver.
fn sentinel_failed(err: sentinel::PoolError) -> Failed {
    err.into()
}

fn pool() -> PoolConfig {
    let mut config = PoolConfig::new(CONNECTIONS);
    config.timeouts = Timeouts { wait: Some(POOL), create: Some(CALL), recycle: Some(POOL) };
    config
}

impl Cluster {
    async fn connection(&self) -> Result<ClusterConnection, Failed> {
        if let Some(connection) = self.lock().clone() {
            return Ok(connection);
        }
        let connection = self.client.get_async_connection().await?;
        *self.lock() = Some(connection.clone());
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ClusterConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for one call.
enum Connection {
    One(deadpool_redis::Connection),
    Sentinel(sentinel::Connection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Sentinel(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Sentinel(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Sentinel(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
