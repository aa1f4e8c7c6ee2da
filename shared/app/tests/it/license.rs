//! Registration and deregistration, with every step interrupted once.

use ccm_domain::worker::OperationState;
use ccm_domain::{LicenseState, OperationId, Worker};
use ccm_events::Kind;
use ccm_testkit::lab_host::Fault;
use ccm_testkit::lab_host::license::License;
use secrecy::SecretString;

use crate::fragile::{Moment, survive};
use crate::world::{MINUTE, World, ended, instance, person, which};

const TOKEN: &str = "Tm9ib2R5LXNlZXMtdGhpcw";

/// A worker without a licence whose controller serves.
async fn unlicensed() -> (World, Worker) {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    world.sim.hosts().visit(instance(&worker), |host, _| host.license = License::default());
    world.ops(1).measure_worker(&worker).await.unwrap();
    let worker = world.worker(worker.id).await;
    assert!(!worker.status.license.holds_seat());
    (world, worker)
}

async fn register(world: &World, worker: &Worker, token: &str) -> OperationId {
    let (op, token) = (world.op(), SecretString::from(token.to_owned()));
    world.fleet.request_registration(&person(), &which(worker), &token, false, op).await.unwrap();
    op
}

#[tokio::test]
async fn a_licence_is_registered_and_given_back() {
    let (world, worker) = unlicensed().await;

    let op = register(&world, &worker, TOKEN).await;
    let licensed = world.drive(&world.ops(1), worker.id, 5 * MINUTE).await;
    ended(&licensed, OperationState::Succeeded);
    assert_eq!(licensed.status.license.status, LicenseState::Registered);
    let kept = world.fleet.stores.secrets.reveal(&op.to_string(), world.now()).await.unwrap();
    assert!(kept.is_none(), "the token is kept after its use");

    let op = world.op();
    world.fleet.request_deregistration(&person(), &which(&worker), op).await.unwrap();
    let free = world.drive(&world.ops(1), worker.id, 5 * MINUTE).await;
    ended(&free, OperationState::Succeeded);
    assert!(!free.status.license.holds_seat(), "{:?}", free.status.license);
}

#[tokio::test]
async fn a_registration_whose_leader_is_lost_at_any_call_is_asked_for_once_and_ends() {
    for moment in [Moment::Before, Moment::After] {
        for nth in 0.. {
            let (world, worker) = unlicensed().await;
            register(&world, &worker, TOKEN).await;

            let asked = survive(&world, worker.id, nth, moment).await;

            let licensed = world.worker(worker.id).await;
            ended(&licensed, OperationState::Succeeded);
            assert_eq!(licensed.status.license.status, LicenseState::Registered);
            let Some(asked) = asked else {
                assert!(nth >= 3, "only {nth} calls");
                break;
            };
            assert_eq!(asked, 1, "lost {moment:?} call {nth}");
        }
    }
}

#[tokio::test]
async fn a_deregistration_whose_leader_is_lost_at_any_call_ends_with_a_free_seat() {
    for moment in [Moment::Before, Moment::After] {
        for nth in 0.. {
            let world = World::fleet_of(1).await;
            let worker = world.serving().await;
            let op = world.op();
            world.fleet.request_deregistration(&person(), &which(&worker), op).await.unwrap();

            let lost = survive(&world, worker.id, nth, moment).await;

            let free = world.worker(worker.id).await;
            ended(&free, OperationState::Succeeded);
            assert!(!free.status.license.holds_seat(), "lost {moment:?} call {nth}");
            if lost.is_none() {
                assert!(nth >= 2, "only {nth} calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_refused_token_fails_with_the_servers_reason_and_is_written_nowhere() {
    let (world, worker) = unlicensed().await;
    let token = "c2VjcmV0-bad-c2VjcmV0";

    register(&world, &worker, token).await;
    let failed = world.drive(&world.ops(1), worker.id, 5 * MINUTE).await;

    let operation = ended(&failed, OperationState::Failed);
    assert!(operation.reason.as_ref().unwrap().contains("not valid"), "{operation:#?}");
    assert_eq!(failed.status.license.status, LicenseState::Failed);
    let document = serde_json::to_string(&failed).unwrap();
    assert!(!document.contains(token), "{document}");
    for kind in Kind::ALL {
        for change in world.told(worker.id, *kind).await {
            assert!(!change.data.as_str().contains(token), "{change:?}");
        }
    }
}

#[tokio::test]
async fn a_licence_that_is_lost_outside_is_noticed() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    assert!(worker.status.license.holds_seat());
    world.sim.hosts().visit(instance(&worker), |host, _| host.license = License::default());

    world.ops(1).measure_worker(&worker).await.unwrap();

    let seen = world.worker(worker.id).await.status.license;
    assert!(!seen.holds_seat());
    assert!(seen.reason.unwrap().contains("not registered any more"));
}

#[tokio::test]
async fn a_busy_licence_agent_is_asked_again() {
    let (world, worker) = unlicensed().await;
    world.sim.hosts().inject(instance(&worker), Fault::LicenseAgentBusy, Some(MINUTE));

    register(&world, &worker, TOKEN).await;
    let licensed = world.drive(&world.ops(1), worker.id, 9 * MINUTE).await;

    ended(&licensed, OperationState::Succeeded);
    assert_eq!(licensed.status.license.status, LicenseState::Registered);
}
