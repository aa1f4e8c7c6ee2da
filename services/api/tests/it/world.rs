//! What is in the store before a test begins: workers, labs, schedules and runs as the scheduler leaves them.

use ccm_domain::cml::{
    Compliance, ControllerFacts, ControllerLoad, LabSeen, LabState, LicenseFeature, LicenseSeen,
    LinkSeen, NodeSeen, Registration,
};
use ccm_domain::run::RunError;
use ccm_domain::schedule::job;
use ccm_domain::settings::IdleSettings;
use ccm_domain::worker::{ControllerAnswer, Found};
use ccm_domain::{
    Author, Epoch, Instance, InstanceState, Lab, Run, RunId, RunState, Schedule, Scope, Slot,
    StatusCheck, Worker, WorkerId,
};
use ccm_ports::Writer;

use crate::app::{START, TestApp};

pub(crate) const LEADER: Writer = Writer::Leader(Epoch(1));

/// An instance as EC2 shows it.
pub(crate) fn instance(number: u32, state: InstanceState) -> Instance {
    Instance {
        id: format!("i-{number:017x}").parse().unwrap(),
        state,
        state_reason: None,
        instance_type: "m5zn.metal".parse().unwrap(),
        image_id: Some("ami-0123456789abcdef0".parse().unwrap()),
        launched_at: Some(START),
        public_ip: Some("203.0.113.7".to_owned()),
        private_ip: Some("10.0.0.7".to_owned()),
        tags: [("Name", format!("cml-{number}")), ("team", "net".to_owned())]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
        detailed_monitoring: false,
        client_token: None,
        system_check: StatusCheck::Ok,
        instance_check: StatusCheck::Ok,
    }
}

impl TestApp {
    /// A worker whose instance is in a state.
    pub(crate) async fn worker(&self, number: u32, state: InstanceState) -> Worker {
        let scope =
            Scope { account: "self".parse().unwrap(), region: "eu-central-1".parse().unwrap() };
        let instance = instance(number, state);
        let found = Found { scope, instance: &instance, name: None, endpoint: None };
        let id = self.fleet.new_worker_id();
        let mut worker = Worker::import(id, found, Author::external("test"), self.fleet.now());
        let endpoint = Some("https://203.0.113.7".to_owned());
        worker.observe_instance(&instance, endpoint, self.fleet.now());
        if state == InstanceState::Running {
            let facts = ControllerFacts { version: "2.9.0+build.6".to_owned(), ready: true };
            worker.observe_controller(&ControllerAnswer::Facts(facts), self.fleet.now());
        }
        self.fleet.insert(&self.stores().workers, &mut worker, LEADER).await.unwrap();
        worker
    }

    /// A worker whose controller serves.
    pub(crate) async fn running(&self) -> Worker {
        self.worker(1, InstanceState::Running).await
    }

    pub(crate) async fn stopped(&self) -> Worker {
        self.worker(2, InstanceState::Stopped).await
    }

    pub(crate) async fn find(&self, id: WorkerId) -> Worker {
        self.stores().workers.get(&id.to_string()).await.unwrap()
    }

    /// A lab as a controller showed it.
    pub(crate) async fn lab(&self, worker: WorkerId, id: &str, state: LabState) -> Lab {
        let node = |id: &str, x: i32, state: &str| NodeSeen {
            id: id.to_owned(),
            label: format!("router-{id}"),
            definition: "iosv".to_owned(),
            state: state.to_owned(),
            x,
            y: 0,
        };
        let word = if state == LabState::Started { "BOOTED" } else { "STOPPED" };
        let seen = LabSeen {
            id: id.parse().unwrap(),
            title: format!("Lab {id}"),
            description: String::new(),
            state,
            owner: Some("ada".to_owned()),
            created_at: None,
            modified_at: None,
            nodes: vec![node("n0", 0, word), node("n1", 200, word)],
            links: vec![LinkSeen { a: "n0".to_owned(), b: "n1".to_owned() }],
        };
        let mut lab = Lab::new(worker, seen, self.fleet.now());
        self.fleet.insert(&self.stores().labs, &mut lab, LEADER).await.unwrap();
        lab
    }

    /// The schedule of one of our jobs.
    pub(crate) async fn schedule(&self, name: &str) -> Schedule {
        let spec = job(name).unwrap().schedule().unwrap();
        let mut schedule = Schedule::new(spec, self.fleet.now()).unwrap();
        self.fleet.insert(&self.stores().schedules, &mut schedule, LEADER).await.unwrap();
        schedule
    }

    /// A run that was given up.
    pub(crate) async fn dead_run(&self, name: &str) -> Run {
        let job = job(name).unwrap();
        let mut run = Run::of_slot(name, name, Slot::at(self.fleet.now()), self.fleet.now());
        run.start(Epoch(1), self.fleet.now()).unwrap();
        let error = RunError::permanent("denied", "AWS refuses the credentials");
        run.fail(error, &job.retry(), ccm_domain::run::Jitter::default(), self.fleet.now())
            .unwrap();
        assert_eq!(run.state, RunState::Dead);
        self.fleet.insert(&self.stores().runs, &mut run, LEADER).await.unwrap();
        run
    }

    pub(crate) async fn find_run(&self, id: &RunId) -> Run {
        self.stores().runs.get(id.as_str()).await.unwrap()
    }
}

impl TestApp {
    /// Ends a command as the scheduler does.
    pub(crate) async fn finish_command(&self, id: &str, result: serde_json::Value) {
        let now = self.fleet.now();
        let finish = |command: &mut ccm_domain::Command| {
            command.claim(Epoch(1), now)?;
            command.done(result.clone(), now)?;
            Ok(())
        };
        self.fleet.update(&self.stores().commands, id, LEADER, finish).await.unwrap();
    }
}

impl TestApp {
    /// A worker of which everything is known.
    pub(crate) async fn full_worker(&self) -> Worker {
        let worker = self.running().await;
        let now = self.fleet.now();
        let license = LicenseSeen {
            registration: Registration::Completed,
            reason: Some("renewal failed once".to_owned()),
            compliance: Compliance::InCompliance,
            product: Some("CML_Enterprise".to_owned()),
            expires_at: Some(now),
            features: vec![LicenseFeature {
                id: "regid.base".to_owned(),
                name: "CML base".to_owned(),
                in_use: 1,
                status: "IN_COMPLIANCE".to_owned(),
            }],
        };
        let load =
            ControllerLoad { cpu: Some(12.5), memory: Some(40.0), ..ControllerLoad::default() };
        let settings = IdleSettings::default();
        let observe = |w: &mut Worker| {
            w.observe_license(&license, now);
            w.observe_load(&load, now);
            let mut activity = w.status.activity.clone();
            activity.note("start_lab", Some("ada"), now);
            let verdict = w.judge_idle(&activity, &settings, now);
            w.observe_activity(activity, verdict);
            // Somebody stops it at the console and starts it again.
            for state in [InstanceState::Stopped, InstanceState::Running, InstanceState::Stopped] {
                let mut seen = instance(1, state);
                seen.instance_type = "c5.metal".parse().unwrap();
                w.observe_instance(&seen, None, now);
            }
            w.request_start(self.fleet.new_operation_id(), Author::external("test"), now)?;
            Ok(())
        };
        let workers = &self.stores().workers;
        self.fleet.update(workers, &worker.id.to_string(), LEADER, observe).await.unwrap().0
    }
}
