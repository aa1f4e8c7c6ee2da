//! A bus in a namespace of its own, which is emptied at the end.

use std::time::Duration;

use async_trait::async_trait;
use ccm_bus::redis::{RedisLimits, Servers};
use ccm_bus::{Namespace, Place, RedisBus};
use ccm_domain::Timestamp;
use ccm_events::{Change, Event, Kind, Subject};
use ccm_ports::{Bell, BusHealth, EventFeed, EventPublisher, Heard};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::json;

/// The longest that anything is waited for that is not timed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A fresh bus.
pub(super) struct World {
    pub(super) bus: RedisBus,
    pub(super) namespace: Namespace,
    /// Address of a server that has the keys; empty when they need not be removed.
    cleaned: String,
}

/// Small enough to be overrun, large enough for several steps of trimming.
pub(super) fn limits() -> RedisLimits {
    RedisLimits { history: 1_000, backlog: 128, backlog_bytes: 1 << 20 }
}

pub(super) fn namespace() -> Namespace {
    format!("test-{:016x}", rand::random::<u64>()).parse().unwrap()
}

pub(super) fn servers(url: &str) -> Servers {
    match url.parse().unwrap() {
        Place::Redis(servers) => servers,
        Place::Local => panic!("{url} is no Redis"),
    }
}

pub(super) fn bus(url: &str) -> RedisBus {
    RedisBus::new(&servers(url), &Namespace::default(), limits()).unwrap()
}

impl World {
    /// On a server that others use too.
    pub(super) fn new(url: &str) -> Self {
        let mut world = Self::on_own(url);
        url.clone_into(&mut world.cleaned);
        world
    }

    /// On servers that end with the test.
    pub(super) fn on_own(url: &str) -> Self {
        let namespace = namespace();
        let bus = RedisBus::new(&servers(url), &namespace, limits()).unwrap();
        Self { bus, namespace, cleaned: String::new() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.cleaned.is_empty() {
            return;
        }
        // A test that failed because the server is away has nothing to remove.
        let Ok(client) = redis::Client::open(&*self.cleaned) else { return };
        let Ok(mut connection) = client.get_connection_with_timeout(PATIENCE) else { return };
        let key = format!("ccm:{{{}}}:log", self.namespace);
        let _ = redis::cmd("DEL").arg(key).query::<()>(&mut connection);
    }
}

#[async_trait]
impl ccm_ports::contract::bus::World for World {
    fn publisher(&self) -> &dyn EventPublisher {
        &self.bus
    }

    fn feed(&self) -> &dyn EventFeed {
        &self.bus
    }

    fn bell(&self) -> &dyn Bell {
        &self.bus
    }

    fn history(&self) -> (usize, usize) {
        // Redis trims whole nodes, of at most a hundred entries.
        (limits().history, limits().history + 100)
    }

    fn flood(&self) -> usize {
        3 * limits().backlog
    }
}

/// The events with these numbers, as the store's log has them.
pub(super) fn log(seqs: impl IntoIterator<Item = u64>) -> Vec<Event> {
    seqs.into_iter().map(|seq| event(seq, "")).collect()
}

pub(super) fn event(seq: u64, text: &str) -> Event {
    let change = Change {
        id: format!("tests/{seq}"),
        kind: Kind::SettingsChanged,
        subject: Subject::Fleet("settings".to_owned()),
        time: Timestamp::from_millis(1_700_000_000_000),
        data: json!({ "seq": seq, "text": text }).into(),
        traceparent: None,
    };
    Event::logged(seq, &change)
}

/// Returns what is heard next.
pub(super) async fn next(heard: &mut BoxStream<'static, Heard>) -> Heard {
    let next = tokio::time::timeout(PATIENCE, heard.next()).await;
    next.expect("something is heard").expect("the stream goes on")
}

/// Hears until there is a gap.
pub(super) async fn gap(heard: &mut BoxStream<'static, Heard>) {
    while next(heard).await != Heard::Gap {}
}

/// Hears until the event with this number comes.
pub(super) async fn hear(heard: &mut BoxStream<'static, Heard>, seq: u64) {
    while !matches!(next(heard).await, Heard::Event(event) if event.seq == Some(seq)) {}
}

/// Waits until the bus says that its subscriptions hear, or that they do not.
pub(super) async fn until_well(bus: &RedisBus, well: bool) {
    let mut health = bus.health();
    let wanted = health.wait_for(|health| (*health == BusHealth::Well) == well);
    let seen = tokio::time::timeout(PATIENCE, wanted).await;
    assert!(seen.is_ok(), "well is not {well}: {:?}", *bus.health().borrow());
}

/// Repeats a call until it works.
pub(super) async fn until_ok<T, E: std::fmt::Debug>(
    mut call: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match call().await {
            Ok(done) => return done,
            Err(err) => assert!(tokio::time::Instant::now() < deadline, "still {err:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
