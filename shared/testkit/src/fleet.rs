//! A believable fleet for trying out: instances, controllers and people of one world, from one seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{Account, InstanceId, InstanceType, Region, Scope};
use ccm_ports::{CmlApi, Compute, Measure, SharedClock};

use crate::cloud::{Chance, Cloud, Standing};
use crate::lab_host::license::License;
use crate::lab_host::{Fault, HostOptions, LabHosts};

/// Where controllers are reached in process; the instance id is the whole address.
pub const ENDPOINT: &str = "sim://{instance_id}";

const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];
const TYPES: [&str; 5] = ["c5.2xlarge", "c5.4xlarge", "m5.4xlarge", "m5zn.metal", "c6i.8xlarge"];
const SUBJECTS: [&str; 8] =
    ["ccna", "ccnp", "sdwan", "campus", "dc-fabric", "netdev", "security", "wireless"];
const PEOPLE: [(&str, &str); 6] = [
    ("amelia.brandt", "academy"),
    ("bilal.haddad", "academy"),
    ("chiara.rossi", "sdwan"),
    ("dmitri.sokolov", "platform"),
    ("elif.yilmaz", "platform"),
    ("femi.adeyemi", "security"),
];

/// What a fleet is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetOptions {
    /// How many workers.
    pub workers: usize,
    /// What everything follows from.
    pub seed: u64,
    /// Whether now and then a call is throttled and a controller is away for a while.
    pub mishaps: bool,
    /// Whether people use the workers.
    pub people: bool,
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self { workers: 12, seed: 1, mishaps: true, people: true }
    }
}

/// Simulated workers in two regions, with adapters that reach them in process.
#[derive(Clone, Debug)]
pub struct SimFleet {
    cloud: Arc<Cloud>,
    hosts: Arc<LabHosts>,
    scopes: Vec<Scope>,
    workers: Vec<InstanceId>,
}

impl SimFleet {
    /// Builds the fleet as it stands when the simulation begins.
    #[must_use]
    pub fn build(clock: SharedClock, options: &FleetOptions) -> Self {
        let cloud = Cloud::new(Arc::clone(&clock), options.seed);
        let hosts = hosts(clock, &cloud, options);
        let scopes = REGIONS.map(scope).to_vec();
        let chance = Chance::new(options.seed).of("fleet");
        let mut fleet = Self { cloud, hosts, scopes, workers: Vec::new() };
        for n in 0..options.workers {
            let id = fleet.furnish(n, chance.nth(n as u64));
            fleet.workers.push(id);
        }
        if options.mishaps {
            fleet.plan_mishaps(chance.of("mishaps"));
        }
        fleet
    }

    /// Returns EC2.
    #[must_use]
    pub fn compute(&self) -> Arc<dyn Compute> {
        Arc::clone(&self.cloud) as Arc<dyn Compute>
    }

    /// Returns CloudWatch.
    #[must_use]
    pub fn measure(&self) -> Arc<dyn Measure> {
        Arc::clone(&self.cloud) as Arc<dyn Measure>
    }

    /// Returns the controllers; their addresses follow [`ENDPOINT`].
    #[must_use]
    pub fn cml(&self) -> Arc<dyn CmlApi> {
        Arc::clone(&self.hosts) as Arc<dyn CmlApi>
    }

    /// Returns the accounts and regions that the fleet is in.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        self.scopes.clone()
    }

    /// Returns the workers that were there from the start.
    #[must_use]
    pub fn workers(&self) -> &[InstanceId] {
        &self.workers
    }

    /// Returns the cloud behind the ports, to act as a person in the console.
    #[must_use]
    pub const fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    /// Returns the controllers behind the port, to act as a person who uses them.
    #[must_use]
    pub const fn hosts(&self) -> &Arc<LabHosts> {
        &self.hosts
    }

    /// Adds a worker. Of each six the third is stopped, the fifth has no licence, the sixth just boots.
    fn furnish(&self, n: usize, chance: Chance) -> InstanceId {
        let scope = &self.scopes[usize::from(chance.of("region").share() < 0.4)];
        let images = self.cloud.images(&scope.region);
        let of_cml: Vec<_> = images.iter().filter(|image| image.name.contains("cml2")).collect();
        let (running, since) = match n % 6 {
            2 => (false, chance.of("stopped").span(&(HOUR..72 * HOUR))),
            5 => (true, chance.of("booting").span(&(Duration::ZERO..Duration::from_secs(20)))),
            _ => (true, chance.of("running").span(&(HOUR / 2..30 * HOUR))),
        };
        let standing = Standing {
            image: chance.of("image").pick(&of_cml).id.clone(),
            instance_type: instance_type(chance.of("type")),
            tags: tags(n, chance),
            running,
            since,
            detailed_monitoring: chance.of("monitoring").share() < 0.25,
        };
        let id = self.cloud.place(scope, &standing);
        if n % 6 == 4 {
            self.hosts.visit(&id, |host, _| host.license = License::default());
        }
        id
    }

    /// Throttles a few calls, and lets one controller in eight be slow and then away for some minutes.
    fn plan_mishaps(&self, chance: Chance) {
        self.cloud.faults(|faults| faults.throttle_share = 0.01);
        for (n, id) in self.workers.iter().enumerate().filter(|(n, _)| n % 8 == 3) {
            let after = chance.nth(n as u64).span(&(HOUR / 4..2 * HOUR));
            self.hosts.plan(id, Fault::Slow { millis: 400 }, after, Some(HOUR / 12));
            self.hosts.plan(id, Fault::Unreachable, after + HOUR / 12, Some(HOUR / 15));
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Ties controllers to the cloud's power, and the cloud's CPU curves to what runs on the controllers.
fn hosts(clock: SharedClock, cloud: &Arc<Cloud>, options: &FleetOptions) -> Arc<LabHosts> {
    let power = Arc::clone(cloud);
    let power = move |id: &InstanceId| power.powered_since(id);
    let host_options = HostOptions {
        seed: options.seed,
        people: options.people,
        licensed: true,
        ..HostOptions::default()
    };
    let hosts = Arc::new(LabHosts::new(clock, Arc::new(power), host_options));
    // Weak: the controllers hold the cloud already.
    let load = Arc::downgrade(&hosts);
    cloud.set_load(Arc::new(move |id, at| load.upgrade()?.cpu(id, at)));
    hosts
}

fn tags(n: usize, chance: Chance) -> BTreeMap<String, String> {
    let subject = chance.of("subject").pick(&SUBJECTS);
    let (owner, team) = chance.of("owner").pick(&PEOPLE);
    BTreeMap::from([
        ("Name".to_owned(), format!("{subject}-{:02}", n + 1)),
        ("owner".to_owned(), (*owner).to_owned()),
        ("team".to_owned(), (*team).to_owned()),
    ])
}

#[expect(clippy::expect_used, reason = "the table holds instance types")]
fn instance_type(chance: Chance) -> InstanceType {
    chance.pick(&TYPES).parse().expect("an instance type")
}

#[expect(clippy::expect_used, reason = "the table holds regions")]
fn scope(region: &str) -> Scope {
    let region: Region = region.parse().expect("a region");
    Scope { account: Account::default(), region }
}
