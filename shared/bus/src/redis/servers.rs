//! The address of Redis servers: one, a set that Sentinels watch, or a cluster.

use std::fmt;

use percent_encoding::percent_decode_str;
use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    RedisResult,
};
use secrecy::{ExposeSecret, SecretString};

use crate::InvalidPlace;

/// Where Redis servers are and how they are entered; shows no password.
///
/// | Address | Means |
/// |---|---|
/// | `redis://[user:password@]host[:port][/db]` | one server |
/// | `redis-sentinel://[user:password@]host[:port][,host[:port]…]/service[/db]` | the primary of a service |
/// | `redis-cluster://[user:password@]host[:port][,host[:port]…]` | a cluster; the hosts are some of its nodes |
///
/// `rediss…` instead of `redis…` speaks TLS to all of them, checked against the system's authorities. User and
/// password are percent-encoded. They are those of the servers; `?sentinel_auth=true` gives them to the Sentinels
/// as well. Ports are 6379, of Sentinels 26379, unless said. Servers must be Redis 6 or later, in a cluster 7.
#[derive(Clone)]
pub struct Servers {
    pub(super) kind: Kind,
    pub(super) tls: bool,
    nodes: Vec<(String, u16)>,
    user: Option<String>,
    password: Option<SecretString>,
    db: i64,
}

/// How the servers belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    One,
    Sentinel { service: String, same_password: bool },
    Cluster,
}

impl Servers {
    /// Reads what stands behind the scheme.
    pub(crate) fn parse(scheme: &str, rest: &str) -> Result<Self, InvalidPlace> {
        use InvalidPlace::Malformed;
        let rest = rest.strip_prefix("//").ok_or(Malformed("'//' must follow the scheme"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (entry, hosts) = match authority.rsplit_once('@') {
            Some((entry, hosts)) => (Some(entry), hosts),
            None => (None, authority),
        };
        let (user, password) = entry.map(credentials).transpose()?.unwrap_or_default();
        let (kind, db) = kind(scheme, path, query)?;
        let port = if matches!(kind, Kind::Sentinel { .. }) { 26379 } else { 6379 };
        let nodes: Vec<_> =
            hosts.split(',').map(|host| node(host, port)).collect::<Result<_, _>>()?;
        if kind == Kind::One && nodes.len() > 1 {
            return Err(Malformed(
                "several hosts are a 'redis-sentinel://' or a 'redis-cluster://'",
            ));
        }
        let tls = scheme.starts_with("rediss");
        Ok(Self { kind, tls, nodes, user, password: password.map(SecretString::from), db })
    }

    /// Returns how each of the hosts in the address is entered.
    pub(super) fn entries(&self) -> RedisResult<Vec<ConnectionInfo>> {
        let settings = match self.kind {
            Kind::Sentinel { same_password: false, .. } => plain(),
            Kind::Sentinel { same_password: true, .. } => self.enter(plain()),
            Kind::One | Kind::Cluster => self.settings(),
        };
        let nodes = self.nodes.iter();
        nodes.map(|(host, port)| self.entry(host, *port, settings.clone())).collect()
    }

    /// Returns how a node that another one named is entered.
    pub(super) fn entry_of(&self, host: &str, port: u16) -> RedisResult<ConnectionInfo> {
        self.entry(host, port, self.settings())
    }

    /// Returns what is said to a server first.
    pub(super) fn settings(&self) -> RedisConnectionInfo {
        self.enter(plain()).set_db(self.db)
    }

    fn enter(&self, mut settings: RedisConnectionInfo) -> RedisConnectionInfo {
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose_secret());
        }
        settings
    }

    fn entry(
        &self,
        host: &str,
        port: u16,
        settings: RedisConnectionInfo,
    ) -> RedisResult<ConnectionInfo> {
        let host = host.to_owned();
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        Ok(address.into_connection_info()?.set_redis_settings(settings))
    }
}

/// Messages come as pushes, which RESP2 does not have.
fn plain() -> RedisConnectionInfo {
    RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3)
}

fn credentials(entry: &str) -> Result<(Option<String>, Option<String>), InvalidPlace> {
    let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(Some(text.into_owned()).filter(|text| !text.is_empty())),
        Err(_) => Err(InvalidPlace::Malformed("user and password must be UTF-8")),
    };
    let (user, password) = entry.split_once(':').unwrap_or((entry, ""));
    Ok((decoded(user)?, decoded(password)?))
}

fn kind(scheme: &str, path: &str, query: &str) -> Result<(Kind, i64), InvalidPlace> {
    use InvalidPlace::Malformed;
    let db = |text: &str| match text {
        "" => Ok(0),
        text => text.parse::<u16>().map(i64::from).map_err(|_| Malformed("a database is a number")),
    };
    let (kind, db) = match scheme {
        "redis-sentinel" | "rediss-sentinel" => {
            let (service, number) = path.split_once('/').unwrap_or((path, ""));
            if service.is_empty() {
                return Err(Malformed(
                    "the service that the Sentinels watch must follow the hosts",
                ));
            }
            let same_password = query == "sentinel_auth=true";
            (Kind::Sentinel { service: service.to_owned(), same_password }, db(number)?)
        }
        "redis-cluster" | "rediss-cluster" => {
            if !path.is_empty() {
                return Err(Malformed("a cluster has no databases"));
            }
            (Kind::Cluster, 0)
        }
        _ => (Kind::One, db(path)?),
    };
    let known = matches!(kind, Kind::Sentinel { same_password: true, .. });
    if query.is_empty() || known {
        return Ok((kind, db));
    }
    Err(Malformed("of options there is 'sentinel_auth=true' only, for Sentinels"))
}

/// Reads `host`, `host:port` or `[v6]:port`.
fn node(text: &str, standard: u16) -> Result<(String, u16), InvalidPlace> {
    let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Ok(standard), str::parse);
    match port {
        Ok(port) if !host.is_empty() => Ok((host.to_owned(), port)),
        Ok(_) | Err(_) => {
            Err(InvalidPlace::Malformed("a host is 'name', 'name:port' or '[v6]:port'"))
        }
    }
}

impl fmt::Display for Servers {
    /// Writes the address; the password is hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secure = if self.tls { "s" } else { "" };
        let way = match self.kind {
            Kind::One => "",
            Kind::Sentinel { .. } => "-sentinel",
            Kind::Cluster => "-cluster",
        };
        write!(f, "redis{secure}{way}://")?;
        if self.user.is_some() || self.password.is_some() {
            let hidden = if self.password.is_some() { ":hidden" } else { "" };
            write!(f, "{}{hidden}@", self.user.as_deref().unwrap_or_default())?;
        }
        for (nth, (host, port)) in self.nodes.iter().enumerate() {
            let comma = if nth > 0 { "," } else { "" };
            let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
            write!(f, "{comma}{open}{host}{close}:{port}")?;
        }
        if let Kind::Sentinel { service, .. } = &self.kind {
            write!(f, "/{service}")?;
        }
        if self.db != 0 { write!(f, "/{}", self.db) } else { Ok(()) }
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    fn parse(text: &str) -> Result<Servers, InvalidPlace> {
        match text.parse::<Place>()? {
            Place::Redis(servers) => Ok(servers),
            Place::Local => panic!("{text} is local"),
        }
    }

    #[test]
    fn addresses_are_read_and_shown_without_their_password() {
        for (text, shown) in [
            ("redis://cache", "redis://cache:6379"),
            ("redis://cache:7000/3", "redis://cache:7000/3"),
            ("redis://ann:p%40ss@cache", "redis://ann:hidden@cache:6379"),
            ("redis://:secret@cache/", "redis://:hidden@cache:6379"),
            ("redis://ann@cache", "redis://ann@cache:6379"),
            ("rediss://[::1]:7000", "rediss://[::1]:7000"),
            ("redis://[fd00::7]", "redis://[fd00::7]:6379"),
            ("redis-sentinel://a,b:7/main", "redis-sentinel://a:26379,b:7/main"),
            ("redis-sentinel://:s@a/main/2", "redis-sentinel://:hidden@a:26379/main/2"),
            ("rediss-cluster://u:s@a,b:7", "rediss-cluster://u:hidden@a:6379,b:7"),
        ] {
            let servers = parse(text).unwrap();

            assert_eq!(servers.to_string(), shown, "{text}");
            assert_eq!(format!("{servers:?}"), shown, "{text}");
        }
    }

    #[test]
    fn addresses_that_are_incomplete_or_say_too_much_are_refused() {
        for text in [
            "redis:cache",
            "redis://",
            "redis://a,b",
            "redis://a/main",
            "redis://a/1/2",
            "redis://a:port",
            "redis://a?protocol=resp2",
            "redis://%ff:x@a",
            "redis-sentinel://a",
            "redis-sentinel://a/",
            "redis-sentinel://a/main/x",
            "redis-sentinel://a/main?password=x",
            "redis-cluster://a/1",
            "redis-cluster://a,,b",
            "redis-cluster://a?sentinel_auth=true",
        ] {
            assert!(matches!(parse(text), Err(InvalidPlace::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn sentinels_get_the_servers_password_only_when_told_so() {
        for (text, wanted) in [
            ("redis-sentinel://u:s@a/main", None),
            ("redis-sentinel://u:s@a/main?sentinel_auth=true", Some("s")),
        ] {
            let servers = parse(text).unwrap();

            let sentinel = servers.entries().unwrap().remove(0);
            assert_eq!(sentinel.redis_settings().password(), wanted, "{text}");
            assert_eq!(servers.settings().password(), Some("s"), "{text}");
        }
    }
}
