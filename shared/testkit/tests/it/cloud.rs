//! The modelled cloud: the suite of its ports, and what only the model has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{Account, InstanceId, InstanceState, Scope};
use ccm_ports::{Compute, LaunchOrder, Measure, RemoteError};
use ccm_testkit::cloud::{Chance, Cloud, Faults, Outcome, Rig, Standing};

ccm_ports::compute_contract!(Rig::in_process());

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn here() -> Scope {
    Scope { account: Account::default(), region: "eu-central-1".parse().unwrap() }
}

fn standing(cloud: &Cloud, instance_type: &str, running: bool) -> InstanceId {
    let standing = Standing {
        image: cloud.images(&here().region)[0].id.clone(),
        instance_type: instance_type.parse().unwrap(),
        tags: BTreeMap::new(),
        running,
        since: 60 * MINUTE,
        detailed_monitoring: false,
    };
    cloud.place(&here(), &standing)
}

fn order(cloud: &Cloud, token: &str, instance_type: &str) -> LaunchOrder {
    LaunchOrder {
        token: token.to_owned(),
        image: cloud.images(&here().region)[0].id.clone(),
        instance_type: instance_type.parse().unwrap(),
        tags: BTreeMap::new(),
        subnet: None,
        security_groups: Vec::new(),
        key_name: None,
    }
}

#[tokio::test]
async fn power_is_there_from_running_until_the_call_that_ends_it() {
    let (cloud, clock) = Rig::cloud();
    let id = standing(&cloud, "c5.large", false);
    let stopped = cloud.powered_since(&id);
    cloud.start(&here(), &id).await.unwrap();
    let pending = cloud.powered_since(&id);
    clock.advance(MINUTE);
    let running = cloud.powered_since(&id).unwrap();
    clock.advance(MINUTE);
    let later = cloud.powered_since(&id).unwrap();
    cloud.stop_as_console(&id).unwrap();

    assert_eq!((stopped, pending), (None, None));
    assert_eq!(running, later);
    let booting = cloud.now().minus(2 * MINUTE);
    assert!(
        (8 * SECOND..20 * SECOND).contains(&running.since(booting)),
        "{running} after {booting}"
    );
    assert_eq!(cloud.powered_since(&id), None, "the operating system is going down");
}

#[tokio::test]
async fn metal_takes_longer_than_anything_else() {
    let (cloud, clock) = Rig::cloud();
    let (metal, virt) =
        (standing(&cloud, "m5zn.metal", false), standing(&cloud, "m5.large", false));
    for id in [&metal, &virt] {
        cloud.start_as_console(id).unwrap();
    }
    clock.advance(25 * SECOND);

    let states: BTreeMap<_, _> =
        cloud.sweep(&here()).await.unwrap().into_iter().map(|i| (i.id, i.state)).collect();

    assert_eq!(states[&metal], InstanceState::Pending);
    assert_eq!(states[&virt], InstanceState::Running);
}

#[tokio::test]
async fn capacity_can_be_missing_for_one_type_only() {
    let (cloud, _) = Rig::cloud();
    cloud.faults(|faults| {
        faults.capacity_types.insert("m5zn.metal".parse().unwrap());
    });

    let metal = cloud.launch(&here(), &order(&cloud, "a", "m5zn.metal")).await;
    let other = cloud.launch(&here(), &order(&cloud, "b", "m5.large")).await;
    let nonsense = cloud.launch(&here(), &order(&cloud, "c", "m5.gigantic")).await;

    assert!(matches!(metal, Err(RemoteError::Capacity(_))), "{metal:?}");
    assert!(other.is_ok(), "{other:?}");
    assert!(matches!(nonsense, Err(RemoteError::Invalid(_))), "{nonsense:?}");
    let outcomes: Vec<Outcome> = cloud.ledger().iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Launched, Outcome::Refused]);
}

#[tokio::test]
async fn a_rate_throttles_what_exceeds_it_per_scope_and_recovers() {
    let (cloud, clock) = Rig::cloud();
    let elsewhere = Scope { region: "us-west-2".parse().unwrap(), ..here() };
    cloud.faults(|faults| faults.calls_per_second = Some(4.0));
    let mut refused = 0;
    for _ in 0..4 {
        // Two calls each.
        refused += u32::from(cloud.sweep(&here()).await.is_err());
    }
    let other_region = cloud.sweep(&elsewhere).await;
    clock.advance(SECOND);
    let recovered = cloud.sweep(&here()).await;

    assert_eq!(refused, 2);
    assert!(other_region.is_ok(), "{other_region:?}");
    assert!(recovered.is_ok(), "{recovered:?}");
}

#[tokio::test]
async fn a_share_of_calls_is_throttled() {
    let (cloud, _) = Rig::cloud();
    cloud.faults(|faults| faults.throttle_share = 0.3);
    let mut refused = 0;
    for _ in 0..1_000 {
        refused += u32::from(cloud.describe_instances(&here()).await.is_err());
    }

    assert!((250..350).contains(&refused), "{refused} of 1000");
}

#[tokio::test]
async fn however_answers_get_lost_there_is_one_instance_a_token() {
    for seed in 0..50 {
        let (cloud, clock) = Rig::cloud();
        let chance = Chance::new(seed);
        for n in 0..40 {
            let chance = chance.nth(n);
            cloud.faults(|faults| {
                faults.launch_answer_lost_next = u32::from(chance.of("lost").share() < 0.4);
                faults.unavailable_next = u32::from(chance.of("away").share() < 0.2);
            });
            let token = format!("token-{}", chance.of("token").below(8));
            let _ = cloud.launch(&here(), &order(&cloud, &token, "c5.large")).await;
            clock.advance(SECOND);
        }
        cloud.faults(|faults| *faults = Faults::default());

        let seen = cloud.sweep(&here()).await.unwrap();

        let tokens: BTreeSet<_> = seen.iter().filter_map(|i| i.client_token.clone()).collect();
        assert_eq!(tokens.len(), seen.len(), "seed {seed}");
        assert!(!seen.is_empty());
    }
}

#[tokio::test]
async fn a_load_from_outside_is_what_cloudwatch_shows() {
    let (cloud, _) = Rig::cloud();
    let (told, own) = (standing(&cloud, "c5.large", true), standing(&cloud, "c5.large", true));
    let busy = told.clone();
    cloud.set_load(Arc::new(move |id, _| (*id == busy).then_some(250.0)));
    let (from, to) = (cloud.now().minus(30 * MINUTE), cloud.now());

    let readings = cloud.cpu(&here(), &[told, own], from, to).await.unwrap();

    assert_eq!(readings.len(), 2);
    assert!((readings[0].percent - 100.0).abs() < f64::EPSILON, "clamped: {readings:?}");
    assert!(readings[1].percent < 100.0, "{readings:?}");
}
