//! Laws of the worker: what is wanted is reached, what changes is told, what was done outside is noticed.

mod law;
mod table;

use std::collections::BTreeMap;

use super::*;
use crate::{
    Account, ActorKind, ImageQuery, Instance, InstanceState, OperationId, Scope, StatusCheck,
};

const START: Timestamp = Timestamp::from_millis(1_760_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(std::time::Duration::from_secs(seconds))
}

fn ada() -> Author {
    Author { kind: ActorKind::Person, name: "ada".to_owned() }
}

fn op(n: u128) -> OperationId {
    OperationId::new(uuid::Uuid::from_u128(n))
}

fn scope() -> Scope {
    Scope { account: Account::default(), region: "eu-central-1".parse().unwrap() }
}

fn instance(state: InstanceState) -> Instance {
    let running = state == InstanceState::Running;
    let check = if running { StatusCheck::Ok } else { StatusCheck::NotApplicable };
    Instance {
        id: "i-0abcd1234ef567890".parse().unwrap(),
        state,
        state_reason: None,
        instance_type: "m5zn.metal".parse().unwrap(),
        image_id: None,
        launched_at: Some(START),
        public_ip: running.then(|| "203.0.113.7".to_owned()),
        private_ip: Some("10.0.0.7".to_owned()),
        tags: BTreeMap::from([("Name".to_owned(), "lab-1".to_owned())]),
        detailed_monitoring: false,
        client_token: None,
        system_check: check,
        instance_check: check,
    }
}

fn imported(state: InstanceState) -> Worker {
    let id = WorkerId::new(uuid::Uuid::from_u128(7));
    let instance = instance(state);
    let found = Found { scope: scope(), instance: &instance, name: None, endpoint: None };
    let mut worker = Worker::import(id, found, ada(), START);
    worker.take_facts();
    worker
}

fn created() -> Worker {
    let spec = Spec {
        instance_type: Some("m5zn.metal".parse().unwrap()),
        image: ImageQuery { id: None, name: Some("cml2-*".to_owned()) },
        ..Spec::default()
    };
    let order = NewWorker { name: "lab-1".to_owned(), scope: scope(), spec };
    let mut worker =
        Worker::create(WorkerId::new(uuid::Uuid::from_u128(7)), order, op(1), ada(), START);
    worker.take_facts();
    worker
}

fn see(worker: &mut Worker, state: InstanceState, now: Timestamp) {
    let endpoint = (state == InstanceState::Running).then(|| "https://203.0.113.7".to_owned());
    worker.observe_instance(&instance(state), endpoint, now);
}

fn ready() -> ControllerAnswer {
    ControllerAnswer::Facts(crate::cml::ControllerFacts {
        version: "2.9.0".to_owned(),
        ready: true,
    })
}

fn silent() -> ControllerAnswer {
    ControllerAnswer::Silent("connection refused".to_owned())
}
