//! A relay with sinks, over the store and bus of a desk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ccm_app::Fleet;
use ccm_app::leadership::LeaseTimes;
use ccm_config::Secrets;
use ccm_config::section::DrainSection;
use ccm_domain::{Actor, DeadLetter, Sink};
use ccm_ports::{Bell, Chime, Query};
use ccm_relay::{DeliveryTimes, Deps, RelayConfig, SinkSection};
use ccm_runtime::Shell;

use crate::desk::Desk;
use crate::receiver::Receiver;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A desk whose relay sends events outside.
pub(crate) struct Outside {
    pub(crate) desk: Desk,
    pub(crate) times: DeliveryTimes,
}

impl Outside {
    pub(crate) fn new() -> Self {
        let times = DeliveryTimes {
            timeout: Duration::from_secs(5),
            first_pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(40),
            give_up: Duration::from_secs(24 * 3_600),
        };
        Self { desk: Desk::new(), times }
    }

    pub(crate) fn fleet(&self) -> Fleet {
        Fleet {
            stores: self.desk.stores.clone(),
            clock: self.desk.clock.clone(),
            bell: Arc::new(self.desk.bus.clone()),
        }
    }

    /// Starts a relay and waits until it serves its sinks.
    pub(crate) async fn relay(&self, sinks: &[SinkSection]) -> Running {
        let running = self.relay_at_once(sinks);
        for section in sinks {
            let name = section.name.as_ref().unwrap().as_str();
            let since = format!("{name} is served");
            eventually(
                &since,
                async || self.find(name).await,
                |sink| {
                    sink.as_ref()
                        .is_some_and(|sink| sink.state != ccm_domain::sink::SinkState::Unconfigured)
                },
            )
            .await;
        }
        running
    }

    pub(crate) fn relay_at_once(&self, sinks: &[SinkSection]) -> Running {
        let shell = Shell::for_testing();
        let config = RelayConfig {
            poll: Duration::from_millis(20),
            sinks: sinks.to_vec(),
            delivery: self.times,
            lease: quick(),
            ..RelayConfig::default()
        };
        let deps = Deps {
            fleet: self.fleet(),
            publisher: Arc::new(self.desk.bus.clone()),
            holder: "test".to_owned(),
        };
        ccm_relay::start(deps, config, &shell);
        Running(shell)
    }

    /// Commits changes and rings.
    pub(crate) async fn commit(&self, changes: usize) {
        self.desk.commit("a", changes).await;
        self.desk.bus.ring(Chime::Outbox).await;
    }

    /// Moves the time on.
    pub(crate) fn advance(&self, span: Duration) {
        self.desk.clock.advance(span);
    }

    pub(crate) async fn find(&self, name: &str) -> Option<Sink> {
        self.desk.stores.sinks.find(name).await.unwrap()
    }

    pub(crate) async fn sink(&self) -> Sink {
        self.find("audit").await.unwrap()
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        self.desk.stores.dead_letters.list(&Query::default()).await.unwrap().items
    }

    /// Waits until the sink is as `fits` says.
    pub(crate) async fn until(&self, what: &str, fits: impl Fn(&Sink) -> bool) -> Sink {
        eventually(what, async || self.sink().await, fits).await
    }
}

/// A relay that was started.
pub(crate) struct Running(Shell);

impl Running {
    /// Stops it in good order.
    pub(crate) async fn stop(self) {
        self.0.stop(&DrainSection::for_testing()).await.unwrap();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn kill(self) {
        let _ = self.0.tasks.drain(Duration::ZERO).await;
    }

    pub(crate) fn metrics(&self) -> String {
        self.0.metrics.render().unwrap()
    }
}

pub(crate) fn admin() -> Actor {
    Actor::system("test")
}

/// A sink that is sent to a receiver on this machine.
pub(crate) fn sink(name: &str, receiver: &Receiver) -> SinkSection {
    SinkSection {
        name: Some(name.parse().unwrap()),
        url: receiver.url().as_str().into(),
        types: vec!["settings.*".to_owned()],
        secret: secrets(&[SECRET]),
        headers: BTreeMap::new(),
        allow_private: true,
        allow_http: true,
        ca_file: None,
    }
}

pub(crate) fn secrets(all: &[&'static str]) -> Secrets {
    all.iter().copied().collect()
}

/// Waits until what `look` sees is as `fits` says; shows the last sight if it never is.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    what: &str,
    look: impl AsyncFn() -> T,
    fits: impl Fn(&T) -> bool,
) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let seen = look().await;
        if fits(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: {seen:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A lease that a new relay need not wait for long when the old one was killed.
fn quick() -> LeaseTimes {
    LeaseTimes {
        renew: Duration::from_millis(60),
        trust: Duration::from_millis(400),
        lease: Duration::from_millis(500),
        poll: Duration::from_millis(20),
        scatter: Duration::from_millis(1),
    }
}
