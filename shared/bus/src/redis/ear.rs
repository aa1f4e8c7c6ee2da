//! A connection that does nothing but hear. It is apart from the pool and hands over what comes at once, so
//! that neither the driver nor the server keeps anything for us.

use std::sync::Arc;
use std::time::Duration;

use rand::seq::SliceRandom;
use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, PushInfo, PushKind,
    RedisError, TlsMode, Value, cmd, from_redis_value,
};
use tokio::sync::watch;

use super::error::Failed;
use super::link::{CALL, CONNECT, CONNECT_NODE, RESPONSE};
use super::servers::{Kind, Servers};

/// What a connection hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// From here on what is said on the channel is heard.
    Subscribed(Vec<u8>),
    /// What was said on a channel.
    Message { channel: Vec<u8>, text: Vec<u8> },
}

/// Takes what is heard, in order; is called by the driver and must not wait.
pub(super) type Hear = Arc<dyn Fn(Told) + Send + Sync>;

/// A connection that hears some channels until it is dropped or lost.
pub(super) struct Ear {
    connection: MultiplexedConnection,
    server: ConnectionAddr,
    lost: watch::Receiver<bool>,
}

/// Redirections followed from one node of a cluster.
const REDIRECTIONS: usize = 4;

impl Ear {
    /// Connects and subscribes to `channels`, one after the other.
    pub(super) async fn open(
        servers: &Servers,
        channels: &[&str],
        hear: &Hear,
    ) -> Result<Self, Failed> {
        let opened = async {
            match &servers.kind {
                Kind::One => {
                    let entry = servers.entries()?.remove(0);
                    Self::connect(entry, CONNECT, hear)
                        .await?
                        .subscribed("SUBSCRIBE", channels)
                        .await
                }
                Kind::Sentinel { service, .. } => {
                    let entry = primary(servers, service).await?;
                    Self::connect(entry, CONNECT, hear)
                        .await?
                        .subscribed("SUBSCRIBE", channels)
                        .await
                }
                Kind::Cluster => Self::open_in_cluster(servers, channels, hear).await,
            }
        };
        match tokio::time::timeout(CALL, opened).await {
            Ok(opened) => Ok(opened?),
            Err(_) => Err(Failed::Late(CALL)),
        }
    }

    /// Returns when nothing is heard any more.
    pub(super) async fn lost(&mut self) {
        // An error says that the driver's task has ended.
        let _ = self.lost.wait_for(|lost| *lost).await;
    }

    /// Proves that the server still answers on this connection.
    pub(super) async fn ping(&mut self) -> Result<(), Failed> {
        cmd("PING").query_async::<()>(&mut self.connection).await?;
        Ok(())
    }

    /// Whether the Sentinels name another primary than the one that is heard. The former one may still answer, to
    /// whoever is on its side of a cut network. Sentinels that are away change nothing.
    pub(super) async fn is_deposed(&self, servers: &Servers) -> bool {
        let Kind::Sentinel { service, .. } = &servers.kind else { return false };
        let named = tokio::time::timeout(RESPONSE, primary(servers, service)).await;
        matches!(named, Ok(Ok(entry)) if *entry.addr() != self.server)
    }

    async fn connect(
        entry: ConnectionInfo,
        limit: Duration,
        hear: &Hear,
    ) -> Result<Self, RedisError> {
        let (lose, lost) = watch::channel(false);
        let server = entry.addr().clone();
        let hear = Arc::clone(hear);
        let hand_over = move |push: PushInfo| -> Result<(), ()> {
            match told(push) {
                Some(Ok(told)) => hear(told),
                Some(Err(Lost)) => drop(lose.send_replace(true)),
                None => {}
            }
            Ok(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(RESPONSE))
            .set_push_sender(hand_over);
        let connection =
            Client::open(entry)?.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { connection, server, lost })
    }

    async fn subscribed(mut self, command: &str, channels: &[&str]) -> Result<Self, RedisError> {
        for channel in channels {
            cmd(command).arg(channel).query_async::<Value>(&mut self.connection).await?;
        }
        Ok(self)
    }

    /// Subscribes at the node to which the channels belong, whichever of the known nodes says which that is.
    async fn open_in_cluster(
        servers: &Servers,
        channels: &[&str],
        hear: &Hear,
    ) -> Result<Self, RedisError> {
        let mut failed = None;
        let mut entries = servers.entries()?;
        // Where some hang, another attempt begins with others.
        entries.shuffle(&mut rand::rng());
        for mut entry in entries {
            for _ in 0..REDIRECTIONS {
                let opened = match Self::connect(entry.clone(), CONNECT_NODE, hear).await {
                    Ok(ear) => ear.subscribed("SSUBSCRIBE", channels).await,
                    Err(err) => Err(err),
                };
                let err = match opened {
                    Ok(ear) => return Ok(ear),
                    Err(err) => err,
                };
                let next = redirected(&entry, &err);
                failed = Some(err);
                let Some((host, port)) = next else { break };
                entry = servers.entry_of(&host, port)?;
            }
        }
        Err(failed.unwrap_or_else(|| (ErrorKind::InvalidClientConfig, "no nodes").into()))
    }
}

/// The subscription has ended, or the connection has.
struct Lost;

/// Returns what a push means; `None` when it is of no interest.
fn told(push: PushInfo) -> Option<Result<Told, Lost>> {
    use PushKind::{
        Disconnection, Message, SMessage, SSubscribe, SUnsubscribe, Subscribe, Unsubscribe,
    };
    // A cluster that gives the channels to another node ends subscriptions to them.
    if matches!(push.kind, Disconnection | Unsubscribe | SUnsubscribe) {
        return Some(Err(Lost));
    }
    let mut parts = push.data.into_iter();
    let channel = parts.next().and_then(bytes)?;
    if matches!(push.kind, Subscribe | SSubscribe) {
        return Some(Ok(Told::Subscribed(channel)));
    }
    let text = parts.next().and_then(bytes)?;
    matches!(push.kind, Message | SMessage).then_some(Ok(Told::Message { channel, text }))
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    from_redis_value(value).ok()
}

/// Returns the node that an error names, if it does.
fn redirected(from: &ConnectionInfo, err: &RedisError) -> Option<(String, u16)> {
    let (address, _) = err.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // A node that does not know its own name means itself.
    let host = if host.is_empty() { host_of(from)? } else { host };
    Some((host.to_owned(), port.parse().ok()?))
}

fn host_of(entry: &ConnectionInfo) -> Option<&str> {
    if let ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } = entry.addr() {
        Some(host)
    } else {
        None
    }
}

/// Asks the Sentinels for the primary; made anew each time, so that none remembers a former one.
async fn primary(servers: &Servers, service: &str) -> Result<ConnectionInfo, RedisError> {
    let mut node =
        SentinelNodeConnectionInfo::default().set_redis_connection_info(servers.settings());
    if servers.tls {
        node = node.set_tls_mode(TlsMode::Secure);
    }
    let mut entries = servers.entries()?;
    entries.shuffle(&mut rand::rng());
    let mut sentinels =
        SentinelClient::build(entries, service, Some(node), SentinelServerType::Master)?;
    Ok(sentinels.async_get_client().await?.get_connection_info().clone())
}
