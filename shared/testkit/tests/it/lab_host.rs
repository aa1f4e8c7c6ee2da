//! The model of CML controllers, in process, against the suite of its port.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_domain::{InstanceId, Timestamp, WorkerId};
use ccm_ports::contract::cml::{Outside, World};
use ccm_ports::{Clock, CmlApi, Controller};
use ccm_testkit::clock::MovedClock;
use ccm_testkit::lab_host::{Fault, HostOptions, LabHosts};
use ccm_testkit::people::{Deed, Habit};

#[expect(clippy::unwrap_used, reason = "a constant")]
fn instance() -> InstanceId {
    "i-0abcd1234ef567890".parse().unwrap()
}

const HOUR: Duration = Duration::from_secs(3_600);

/// One controller whose power the test switches.
struct Bench {
    clock: Arc<MovedClock>,
    power: Arc<Mutex<Option<Timestamp>>>,
    hosts: LabHosts,
    id: InstanceId,
}

impl Bench {
    fn new(options: HostOptions) -> Self {
        let start = Timestamp::from_millis(1_772_438_400_000);
        let clock = Arc::new(MovedClock::at(start));
        let power = Arc::new(Mutex::new(Some(start.minus(HOUR))));
        let switch = Arc::clone(&power);
        let told = move |_: &InstanceId| *switch.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = LabHosts::new(clock.clone(), Arc::new(told), options);
        Self { clock, power, hosts, id: instance() }
    }

    fn quiet() -> Self {
        let patience = Duration::from_millis(20);
        let habit = Some(Habit::Bursts);
        Self::new(HostOptions { people: false, habit, patience, ..HostOptions::default() })
    }

    fn switch(&self, since: Option<Timestamp>) {
        *self.power.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

impl World for Bench {
    fn api(&self) -> &dyn CmlApi {
        &self.hosts
    }

    fn at(&self) -> Controller {
        let worker = WorkerId::new(uuid::Uuid::from_u128(7));
        Controller { worker, endpoint: format!("https://192.0.2.1/{}", self.id) }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    fn happens(&self, what: Outside) {
        let fault = match what {
            Outside::PowerOff => return self.switch(None),
            Outside::PowerOn => return self.switch(Some(self.clock.now())),
            Outside::PersonStartsLab => return self.hosts.act(&self.id, Deed::StartLab),
            Outside::AllWell => return self.hosts.heal(&self.id),
            Outside::SessionsEnd => return,
            Outside::Hangs => Fault::Hang,
            Outside::Unreachable => Fault::Unreachable,
            Outside::Fails => Fault::Status { status: 500 },
            Outside::Lies => Fault::Garbage,
            Outside::TokensRefused => Fault::TokensRefused,
            Outside::LicenseServerAway => Fault::LicenseServerAway,
            Outside::LicenseAgentBusy => Fault::LicenseAgentBusy,
            Outside::ClockWrong(seconds) => Fault::ClockSkew { seconds },
        };
        self.hosts.inject(&self.id, fault, None);
    }
}

mod suite {
    use super::Bench;

    ccm_ports::cml_contract!(Bench::quiet());
}

mod world {
    //! What only the model has: people, plans, one truth.

    use std::collections::BTreeSet;

    use ccm_domain::cml::{LabSeen, TelemetryFeed};
    use ccm_testkit::lab_host::{BootTimes, TimeForm};

    use super::*;

    /// A fleet that has been on since the start, with a controller for each instance.
    fn fleet(
        seed: u64,
        habit: Option<Habit>,
        size: u64,
    ) -> (Arc<MovedClock>, LabHosts, Vec<Controller>) {
        let start = Timestamp::from_millis(1_772_438_400_000);
        let clock = Arc::new(MovedClock::at(start));
        let options = HostOptions { seed, habit, ..HostOptions::default() };
        let ids: Vec<InstanceId> =
            (1..=size).filter_map(|number| format!("i-0{number:016x}").parse().ok()).collect();
        let hosts = LabHosts::always_on(clock.clone(), &ids, start, options);
        let at = |(number, id): (u128, &InstanceId)| Controller {
            worker: WorkerId::new(uuid::Uuid::from_u128(number)),
            endpoint: format!("sim://{id}"),
        };
        let controllers = (0..).zip(&ids).map(at).collect();
        (clock, hosts, controllers)
    }

    fn id_of(at: &Controller) -> InstanceId {
        ccm_testkit::lab_host::instance_of(at).unwrap_or_else(|| panic!("{at:?}"))
    }

    async fn feed(hosts: &LabHosts, at: &Controller) -> TelemetryFeed {
        hosts.telemetry(at).await.unwrap_or_else(|err| panic!("{err}"))
    }

    async fn labs(hosts: &LabHosts, at: &Controller) -> Vec<LabSeen> {
        hosts.labs(at).await.unwrap_or_else(|err| panic!("{err}"))
    }

    fn last_foreign(feed: &TelemetryFeed) -> Option<Timestamp> {
        let by_people = feed.records.iter().filter(|record| record.user.is_some());
        by_people.filter(|record| record.user != feed.own_user).map(|record| record.at).max()
    }

    #[tokio::test]
    async fn over_a_day_of_polling_the_feed_tells_the_truth_about_people() {
        let (clock, hosts, controllers) = fleet(3, None, 24);
        let mut used = BTreeSet::new();
        let mut ran = BTreeSet::new();
        for _ in 0..24 * 6 {
            clock.advance(Duration::from_secs(600));
            for (number, at) in controllers.iter().enumerate() {
                let truth = hosts.last_use(&id_of(at));
                let feed = feed(&hosts, at).await;
                // The feed keeps less than everything, but always the newest.
                assert_eq!(last_foreign(&feed), truth, "{at:?}");
                used.extend(truth.map(|_| number));
                let load = hosts.load(at).await.unwrap_or_else(|err| panic!("{err}"));
                if load.running_nodes > 0 {
                    ran.insert(number);
                }
            }
        }

        assert!((8..24).contains(&used.len()), "some are used, some are not: {used:?}");
        assert!(ran.len() >= used.len() / 2, "people start labs: {ran:?}");
    }

    #[tokio::test]
    async fn an_office_day_has_a_silent_night_and_a_forgotten_controller_a_running_lab() {
        let (clock, hosts, controllers) = fleet(5, Some(Habit::Office), 4);
        let mut longest = Duration::ZERO;
        for _ in 0..48 {
            clock.advance(Duration::from_secs(1_800));
            for at in &controllers {
                if let Some(last) = hosts.last_use(&id_of(at)) {
                    longest = longest.max(clock.now().since(last));
                }
            }
        }
        assert!(longest > 8 * HOUR, "{longest:?}");

        let (clock, hosts, controllers) = fleet(5, Some(Habit::Forgotten), 3);
        clock.advance(24 * HOUR);
        for at in &controllers {
            assert_eq!(hosts.last_use(&id_of(at)), None);
            let running = labs(&hosts, at).await.into_iter();
            let running = running.filter(|lab| lab.state == ccm_domain::cml::LabState::Started);
            assert_eq!(running.count(), 1);
        }
    }

    #[tokio::test]
    async fn the_same_seed_is_the_same_world_however_often_it_is_looked_at() {
        let (often, seldom) = (fleet(9, Some(Habit::Office), 2), fleet(9, Some(Habit::Office), 2));
        let other = fleet(10, Some(Habit::Office), 2);
        for _ in 0..24 {
            often.0.advance(HOUR);
            labs(&often.1, &often.2[0]).await;
        }
        seldom.0.advance(24 * HOUR);
        other.0.advance(24 * HOUR);

        let seen = labs(&often.1, &often.2[0]).await;

        assert_eq!(seen, labs(&seldom.1, &seldom.2[0]).await);
        assert_eq!(often.1.last_use(&id_of(&often.2[0])), seldom.1.last_use(&id_of(&seldom.2[0])));
        assert_ne!(seen, labs(&other.1, &other.2[0]).await);
        assert_ne!(seen, labs(&often.1, &often.2[1]).await);
    }

    #[tokio::test]
    async fn nobody_works_on_a_controller_without_power() {
        let bench = Bench::new(HostOptions {
            habit: Some(Habit::Office),
            seed: 4,
            ..HostOptions::default()
        });
        bench.pass(24 * HOUR);
        assert!(bench.hosts.last_use(&bench.id).is_some());

        bench.switch(None);
        let off = bench.clock.now();
        assert!(bench.hosts.last_use(&bench.id).is_some());
        bench.pass(48 * HOUR);
        bench.switch(Some(bench.clock.now()));
        bench.pass(BootTimes::default().ready);

        let last = bench.hosts.last_use(&bench.id);
        assert!(last.is_some_and(|last| last <= off), "{last:?} is after {off}");
        assert!(bench.hosts.load(&bench.at()).await.is_ok_and(|load| load.running_nodes == 0));
    }

    #[test]
    fn each_form_of_time_is_one_that_controllers_write() {
        let at = Timestamp::from_millis(1_772_438_400_000);

        let written = [TimeForm::Zulu, TimeForm::Offset, TimeForm::Bare].map(|form| form.write(at));

        assert_eq!(
            written,
            ["2026-03-02T08:00:00Z", "2026-03-02T08:00:00+00:00", "2026-03-02T08:00:00"]
        );
    }

    #[tokio::test]
    async fn the_load_of_labs_can_be_asked_for_from_within_a_cloud_model() {
        let (clock, hosts, controllers) = fleet(2, Some(Habit::Forgotten), 1);
        clock.advance(HOUR);
        let id = id_of(&controllers[0]);
        let told = hosts.load(&controllers[0]).await.ok().and_then(|load| load.cpu);

        assert_eq!(hosts.cpu(&id, clock.now()), told);
        assert_eq!(hosts.cpu(&instance(), clock.now()), None, "nobody there yet");
    }
}
