//! The simulated fleet as the product meets it.

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::cml::Registration;
use ccm_domain::{Instance, InstanceId, InstanceState, StatusCheck, Timestamp, WorkerId};
use ccm_ports::Controller;
use ccm_testkit::clock::MovedClock;
use ccm_testkit::fleet::{ENDPOINT, FleetOptions, SimFleet};

const MINUTE: Duration = Duration::from_secs(60);

fn build(workers: usize, seed: u64) -> (SimFleet, Arc<MovedClock>) {
    let clock = Arc::new(MovedClock::at(Timestamp::from_millis(1_780_142_400_000)));
    let options = FleetOptions { workers, seed, mishaps: false, people: true };
    (SimFleet::build(Arc::clone(&clock) as _, &options), clock)
}

async fn sweep(fleet: &SimFleet) -> Vec<Instance> {
    let mut all = Vec::new();
    for scope in fleet.scopes() {
        all.extend(fleet.compute().sweep(&scope).await.unwrap());
    }
    all
}

fn boots(instance: &Instance) -> bool {
    instance.state == InstanceState::Pending || instance.system_check == StatusCheck::Initializing
}

fn controller(id: &InstanceId) -> Controller {
    Controller {
        worker: WorkerId::new(uuid::Uuid::nil()),
        endpoint: ENDPOINT.replace("{instance_id}", id.as_str()),
    }
}

#[tokio::test]
async fn the_same_seed_builds_the_same_fleet() {
    let first = sweep(&build(12, 3).0).await;
    let again = sweep(&build(12, 3).0).await;
    let other = sweep(&build(12, 4).0).await;

    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn a_fleet_of_twelve_has_something_of_everything() {
    let (fleet, clock) = build(12, 1);
    let at_first = sweep(&fleet).await;
    clock.advance(20 * MINUTE);
    let later = sweep(&fleet).await;

    let count = |seen: &[Instance], state| seen.iter().filter(|i| i.state == state).count();
    assert_eq!(at_first.len(), 12);
    assert_eq!(count(&at_first, InstanceState::Stopped), 2);
    assert_eq!(count(&later, InstanceState::Running), 10);
    assert!(at_first.iter().any(boots), "{at_first:?}");
    assert!(!later.iter().any(boots), "{later:?}");
    for scope in fleet.scopes() {
        assert!(!fleet.compute().sweep(&scope).await.unwrap().is_empty(), "{scope} is empty");
    }
    let types: std::collections::BTreeSet<_> = later.iter().map(|i| &i.instance_type).collect();
    assert!(types.len() >= 3, "{types:?}");
    assert!(later.iter().all(|i| i.name().is_some() && i.tags.contains_key("owner")));
    let mut licensed = 0;
    for instance in later.iter().filter(|i| i.state == InstanceState::Running) {
        let license = fleet.cml().license(&controller(&instance.id)).await.unwrap();
        licensed += u32::from(license.registration == Registration::Completed);
    }
    assert_eq!(licensed, 8, "two of ten running workers have no licence");
}

#[tokio::test]
async fn a_stopped_worker_has_no_controller_until_it_is_started() {
    let (fleet, clock) = build(6, 1);
    let at_first = sweep(&fleet).await;
    let stopped = at_first.iter().find(|i| i.state == InstanceState::Stopped).unwrap();
    let at = controller(&stopped.id);
    let before = fleet.cml().facts(&at).await;
    for scope in fleet.scopes() {
        // Only one of the two regions knows it.
        let _ = fleet.compute().start(&scope, &stopped.id).await;
    }
    clock.advance(30 * MINUTE);

    let facts = fleet.cml().facts(&at).await.unwrap();
    let labs = fleet.cml().labs(&at).await.unwrap();

    assert!(before.is_err(), "{before:?}");
    assert!(facts.ready);
    assert!(!labs.is_empty());
}

#[tokio::test]
async fn cloudwatch_shows_what_the_labs_cause() {
    let (fleet, clock) = build(24, 1);
    clock.advance(Duration::from_secs(6 * 3_600));
    // Somebody looks at the controllers, as the product does; that brings them up to the clock.
    for id in fleet.workers() {
        fleet.hosts().visit(id, |_, _| ());
    }
    let (from, to) = (fleet.cloud().now().minus(20 * MINUTE), fleet.cloud().now());

    let mut readings = Vec::new();
    for scope in fleet.scopes() {
        readings.extend(fleet.measure().cpu(&scope, fleet.workers(), from, to).await.unwrap());
    }

    assert_eq!(readings.len(), 20, "four of twenty-four are stopped");
    for reading in &readings {
        let caused = fleet.hosts().cpu(&reading.instance, reading.at).unwrap();
        assert!((reading.percent - caused).abs() < 1e-9, "{reading:?}, the labs cause {caused}");
    }
}
