//! One simulated controller on a port of its own, with a client in front of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ccm_cml::{BreakerOptions, CmlClient, CmlOptions, Timeouts};
use ccm_domain::{InstanceId, Timestamp, WorkerId};
use ccm_ports::contract::cml::{Outside, World};
use ccm_ports::{Clock, CmlApi, Controller};
use ccm_sim_cml::tls::Certificates;
use ccm_sim_cml::{Options, Switches, serve};
use ccm_testkit::clock::MovedClock;
use ccm_testkit::lab_host::{Fault, HostOptions, LabHosts};
use ccm_testkit::people::{Deed, Habit};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const UP_FOR: Duration = Duration::from_secs(3_600);

/// A controller, its server and a client.
pub(crate) struct Rig {
    pub(crate) client: CmlClient,
    pub(crate) world: Arc<LabHosts>,
    pub(crate) id: InstanceId,
    pub(crate) at: Controller,
    pub(crate) certificates: Option<Arc<Certificates>>,
    clock: Arc<MovedClock>,
    switches: Arc<Switches>,
    /// Ends the server with the rig.
    _server: JoinSet<()>,
}

/// What is different in a test.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tls: bool,
    pub(crate) token_life_secs: i64,
    pub(crate) hosts: HostOptions,
}

impl Default for Plan {
    fn default() -> Self {
        let hosts =
            HostOptions { people: false, habit: Some(Habit::Bursts), ..HostOptions::default() };
        Self { tls: false, token_life_secs: 86_400, hosts }
    }
}

/// Options of a client that is impatient and never opens its breaker.
pub(crate) fn options() -> CmlOptions {
    let mut options = CmlOptions::new("admin", "admin".to_owned().into());
    options.timeouts = Timeouts {
        connect: Duration::from_secs(10),
        probe: Duration::from_secs(1),
        call: Duration::from_secs(10),
        ..Timeouts::default()
    };
    options.breaker = BreakerOptions { failures: u32::MAX, ..BreakerOptions::default() };
    options
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Plan::default(), options()).await
    }

    /// Over https, trusting the simulator's authority.
    pub(crate) async fn encrypted() -> Self {
        Self::with(Plan { tls: true, ..Plan::default() }, options()).await
    }

    pub(crate) async fn with(plan: Plan, mut options: CmlOptions) -> Self {
        let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let clock = Arc::new(MovedClock::at(start));
        let switches = Arc::new(Switches::on_since(start.minus(UP_FOR)));
        let world = Arc::new(LabHosts::new(clock.clone(), switches.clone(), plan.hosts));
        let id: InstanceId = "i-0abcd1234ef567890".parse().unwrap();
        world.visit(&id, |_, _| ()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let certificates =
            plan.tls.then(|| Arc::new(Certificates::generate(address.ip()).unwrap()));
        if let (Some(certificates), true, None) =
            (&certificates, options.verify_tls, &options.ca_file)
        {
            options.ca_file = Some(write_pem(certificates.ca_pem()));
        }
        let served = Options {
            token_life_secs: plan.token_life_secs,
            switches: Some(switches.clone()),
            certificates: certificates.clone(),
        };
        let mut server = JoinSet::new();
        let front = world.clone();
        server.spawn(async move {
            serve(listener, front, served, CancellationToken::new()).await.unwrap();
        });
        let scheme = if plan.tls { "https" } else { "http" };
        let at = Controller { worker: worker(7), endpoint: format!("{scheme}://{address}/{id}") };
        let client = CmlClient::new(options).unwrap();
        Self { client, world, id, at, certificates, clock, switches, _server: server }
    }

    /// Returns how many logins the controller has seen.
    pub(crate) fn logins(&self) -> u64 {
        self.world.visit(&self.id, |host, _| host.accounts.logins()).unwrap()
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.world.inject(&self.id, fault, None);
    }
}

pub(crate) fn worker(number: u128) -> WorkerId {
    WorkerId::new(uuid::Uuid::from_u128(number))
}

/// Writes a PEM file that lives as long as the test process needs it.
pub(crate) fn write_pem(pem: &str) -> PathBuf {
    let name = format!("ccm-cml-{}.pem", uuid::Uuid::new_v4());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, pem).unwrap();
    path
}

impl World for Rig {
    fn api(&self) -> &dyn CmlApi {
        &self.client
    }

    fn at(&self) -> Controller {
        self.at.clone()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    fn happens(&self, what: Outside) {
        let fault = match what {
            Outside::PowerOff => return self.switches.switch(&self.id, None),
            Outside::PowerOn => return self.switches.switch(&self.id, Some(self.clock.now())),
            Outside::PersonStartsLab => return self.world.act(&self.id, Deed::StartLab),
            Outside::AllWell => return self.world.heal(&self.id),
            Outside::SessionsEnd => {
                let end = |host: &mut ccm_testkit::lab_host::Host, _| {
                    host.accounts.end_all_sessions();
                };
                return self.world.visit(&self.id, end).unwrap();
            }
            Outside::Hangs => Fault::Hang,
            Outside::Unreachable => Fault::Unreachable,
            Outside::Fails => Fault::Status { status: 500 },
            Outside::Lies => Fault::Garbage,
            Outside::TokensRefused => Fault::TokensRefused,
            Outside::LicenseServerAway => Fault::LicenseServerAway,
            Outside::LicenseAgentBusy => Fault::LicenseAgentBusy,
            Outside::ClockWrong(seconds) => Fault::ClockSkew { seconds },
        };
        self.inject(fault);
    }
}
