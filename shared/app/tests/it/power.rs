//! From request to running and back, also when something goes wrong or the leader is lost on the way.

use ccm_app::WorkerOrder;
use ccm_domain::worker::{OperationKind, OperationState, Power, PowerReason, Service, StepState};
use ccm_domain::{IdlePolicy, ImageQuery, Worker, WorkerState};
use ccm_events::Kind;
use ccm_testkit::cloud::Outcome;
use ccm_testkit::lab_host::Fault;

use crate::fragile::{Moment, survive, survive_from};
use crate::world::{MINUTE, SECOND, World, controller, ended, instance, person, which};

fn order(world: &World) -> WorkerOrder {
    WorkerOrder {
        name: "fresh".to_owned(),
        account: world.remotes.scopes[0].account.clone(),
        region: world.remotes.scopes[0].region.clone(),
        instance_type: Some("c5.2xlarge".parse().unwrap()),
        image: Some(ImageQuery { id: None, name: Some("cml2-*".to_owned()) }),
        tags: [("team".to_owned(), "academy".to_owned())].into(),
        cml_version: None,
        endpoint: None,
        idle: IdlePolicy::default(),
    }
}

async fn created(world: &World) -> Worker {
    world.fleet.create_worker(&person(), order(world), world.op()).await.unwrap()
}

fn launches(world: &World) -> usize {
    world.sim.cloud().ledger().iter().filter(|entry| entry.outcome == Outcome::Launched).count()
}

#[tokio::test]
async fn a_worker_is_created_serves_is_stopped_and_started_again() {
    let world = World::new(0);
    let ops = world.ops(1);
    let fresh = created(&world).await;
    assert_eq!((fresh.state(), fresh.spec.power), (WorkerState::Pending, Power::On));

    let up = world.drive(&ops, fresh.id, 10 * MINUTE).await;
    assert_eq!((up.state(), up.status.service), (WorkerState::Running, Service::Available));
    let create = ended(&up, OperationState::Succeeded);
    assert!(create.steps.iter().all(|step| step.state == StepState::Done), "{create:#?}");
    assert_eq!(up.status.tags["Name"], "fresh");
    assert_eq!(up.status.tags["team"], "academy");
    assert!(up.status.cml.version.is_some() && up.status.metrics.at.is_some());

    world.fleet.request_stop(&person(), &which(&up), world.op()).await.unwrap();
    let down = world.drive(&ops, fresh.id, 5 * MINUTE).await;
    assert_eq!((down.state(), down.status.service), (WorkerState::Stopped, Service::Unavailable));
    ended(&down, OperationState::Succeeded);
    let paused = down.status.power.paused.as_ref().unwrap();
    assert_eq!((paused.reason, paused.by.as_str()), (PowerReason::Manual, "ada"));

    world.fleet.request_start(&person(), &which(&down), world.op()).await.unwrap();
    let again = world.drive(&ops, fresh.id, 10 * MINUTE).await;
    assert_eq!(again.status.service, Service::Available);
    assert_eq!(again.instance_id(), up.instance_id());
    assert_eq!(world.told(fresh.id, Kind::WorkerPaused).await.len(), 1);
    assert_eq!(world.told(fresh.id, Kind::WorkerResumed).await.len(), 1);
    assert_eq!(launches(&world), 1);
}

#[tokio::test]
async fn a_creation_whose_leader_is_lost_at_any_call_ends_with_exactly_one_instance() {
    for moment in [Moment::Before, Moment::After] {
        for nth in 0.. {
            let world = World::new(0);
            let fresh = created(&world).await;
            let lost = survive(&world, fresh.id, nth, moment).await;

            let worker = world.worker(fresh.id).await;
            ended(&worker, OperationState::Succeeded);
            assert_eq!(launches(&world), 1, "lost {moment:?} call {nth}");
            assert_eq!(world.sim.cloud().all().len(), 1);
            if lost.is_none() {
                assert!(nth >= 5, "only {nth} calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_stop_and_a_start_whose_leader_is_lost_at_any_call_come_to_their_end() {
    for moment in [Moment::Before, Moment::After] {
        for nth in 0.. {
            let world = World::fleet_of(1).await;
            let worker = world.serving().await;
            world.fleet.request_stop(&person(), &which(&worker), world.op()).await.unwrap();
            let lost_stopping = survive(&world, worker.id, nth, moment).await;
            let stopped = world.worker(worker.id).await;
            ended(&stopped, OperationState::Succeeded);
            assert_eq!(stopped.state(), WorkerState::Stopped);

            world.fleet.request_start(&person(), &which(&worker), world.op()).await.unwrap();
            let lost_starting = survive_from(&world, worker.id, nth, moment, 4).await;
            let started = world.worker(worker.id).await;
            ended(&started, OperationState::Succeeded);
            assert_eq!(started.status.service, Service::Available);
            assert_eq!(started.status.power.manual_pauses, 1);
            if lost_stopping.or(lost_starting).is_none() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_licensed_worker_goes_only_after_its_labs_are_saved_and_its_seat_is_free() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    world.ops(1).refresh_labs(&worker).await.unwrap();
    let labs = world.ops(1).labs_of(worker.id).await.unwrap().len();
    assert!(labs > 0 && worker.status.license.holds_seat());

    let op = world.op();
    world.fleet.request_terminate(&person(), &which(&worker), false, op).await.unwrap();
    let gone = world.drive(&world.ops(1), worker.id, 20 * MINUTE).await;

    assert_eq!(gone.state(), WorkerState::Terminated);
    let steps = &ended(&gone, OperationState::Succeeded).steps;
    assert!(steps.iter().all(|step| step.state == StepState::Done), "{steps:#?}");
    let saved = world.ops(1).labs_of(worker.id).await.unwrap();
    assert!(saved.iter().all(|lab| lab.saved_yaml.is_some()), "{saved:#?}");
    let seat = world.sim.hosts().visit(instance(&worker), |host, _| host.license.asked_at());
    assert_eq!(seat.flatten(), None);
    assert_eq!(gone.status.terminated_by.unwrap().name, "ada");
}

#[tokio::test]
async fn a_termination_whose_leader_is_lost_at_any_call_loses_neither_labs_nor_seat() {
    for moment in [Moment::Before, Moment::After] {
        for nth in 0.. {
            let world = World::fleet_of(1).await;
            let worker = world.serving().await;
            let labs = world.remotes.cml.labs(&controller(&worker)).await.unwrap().len();
            let op = world.op();
            world.fleet.request_terminate(&person(), &which(&worker), false, op).await.unwrap();

            let lost = survive(&world, worker.id, nth, moment).await;

            let gone = world.worker(worker.id).await;
            assert_eq!(gone.state(), WorkerState::Terminated, "lost {moment:?} call {nth}");
            ended(&gone, OperationState::Succeeded);
            let saved = world.ops(3).labs_of(worker.id).await.unwrap();
            assert_eq!(saved.iter().filter(|lab| lab.saved_yaml.is_some()).count(), labs);
            let seat = world.sim.hosts().visit(instance(&worker), |h, _| h.license.asked_at());
            assert_eq!(seat.flatten(), None, "lost {moment:?} call {nth}");
            if lost.is_none() {
                assert!(nth >= 5, "only {nth} calls");
                break;
            }
        }
    }
}

#[tokio::test]
async fn when_the_licence_server_does_not_answer_a_termination_stops_and_asks_unless_forced() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    world.sim.hosts().inject(instance(&worker), Fault::LicenseServerAway, None);
    let op = world.op();
    world.fleet.request_terminate(&person(), &which(&worker), false, op).await.unwrap();

    let asked = world.drive(&world.ops(1), worker.id, 20 * MINUTE).await;
    assert_eq!(asked.state(), WorkerState::Running);
    let failed = ended(&asked, OperationState::Failed);
    assert!(failed.reason.as_ref().unwrap().contains("licence server"), "{failed:#?}");
    assert!(failed.hint.as_ref().unwrap().contains("force"), "{failed:#?}");

    let op = world.op();
    world.fleet.request_terminate(&person(), &which(&worker), true, op).await.unwrap();
    let gone = world.drive(&world.ops(1), worker.id, 20 * MINUTE).await;
    assert_eq!(gone.state(), WorkerState::Terminated);
    assert!(ended(&gone, OperationState::Succeeded).force);
}

#[tokio::test]
async fn a_lack_of_capacity_is_tried_again_and_a_used_up_quota_is_not() {
    let world = World::new(0);
    world.sim.cloud().faults(|faults| faults.capacity_next = 2);
    let tried = created(&world).await;
    let up = world.drive(&world.ops(1), tried.id, 10 * MINUTE).await;
    assert_eq!(up.state(), WorkerState::Running);
    ended(&up, OperationState::Succeeded);

    world.sim.cloud().faults(|faults| faults.quota_next = 1);
    let refused = created(&world).await;
    let failed = world.drive(&world.ops(1), refused.id, 10 * MINUTE).await;
    assert_eq!(failed.state(), WorkerState::Failed);
    let operation = ended(&failed, OperationState::Failed);
    assert!(operation.reason.as_ref().unwrap().contains("quota"), "{operation:#?}");
    assert!(operation.hint.as_ref().unwrap().contains("higher quota"), "{operation:#?}");
    assert_eq!(launches(&world), 1);
}

#[tokio::test]
async fn a_launch_whose_answer_is_lost_is_found_again_and_one_that_dies_is_told_with_the_reason() {
    let world = World::new(0);
    world.sim.cloud().faults(|faults| faults.launch_answer_lost_next = 1);
    let fresh = created(&world).await;
    let up = world.drive(&world.ops(1), fresh.id, 10 * MINUTE).await;
    ended(&up, OperationState::Succeeded);
    assert_eq!(launches(&world), 1);

    world.sim.cloud().faults(|faults| faults.launch_dies_next = 1);
    let dies = created(&world).await;
    let dead = world.drive(&world.ops(1), dies.id, 10 * MINUTE).await;
    assert_eq!(dead.state(), WorkerState::Terminated);
    ended(&dead, OperationState::Failed);
    assert!(dead.status.state_reason.is_some(), "{:?}", dead.status.state_reason);
}

#[tokio::test]
async fn a_launch_whose_answer_is_lost_is_asked_for_in_the_same_words_whatever_was_changed_since() {
    let world = World::new(0);
    world.sim.cloud().faults(|faults| faults.launch_answer_lost_next = 1);
    let fresh = created(&world).await;
    world.ops(1).reconcile(fresh.id, ccm_app::Sight::Old).await.unwrap();
    let waits = world.worker(fresh.id).await;
    assert!(waits.status.order.is_some() && waits.instance_id().is_none(), "{waits:#?}");

    let tags = [("team".to_owned(), "night shift".to_owned())].into();
    let any = ccm_app::Expected::Any;
    world.fleet.set_tags(&person(), &which(&waits), &any, &tags).await.unwrap();
    let up = world.drive(&world.ops(1), fresh.id, 10 * MINUTE).await;

    ended(&up, OperationState::Succeeded);
    assert_eq!((launches(&world), up.status.order), (1, None));
    // It was launched in the old words; the tags follow.
    assert_eq!(up.status.tags["team"], "academy");
    for _ in 0..4 {
        world.ops(1).reconcile(fresh.id, ccm_app::Sight::Old).await.unwrap();
        world.clock.advance(2 * SECOND);
    }
    assert_eq!(world.worker(fresh.id).await.status.tags["team"], "night shift");
}

#[tokio::test]
async fn a_stop_while_it_starts_replaces_the_start() {
    let world = World::fleet_of(3).await;
    let worker = world.stopped().await;
    world.fleet.request_start(&person(), &which(&worker), world.op()).await.unwrap();
    world.ops(1).reconcile(worker.id, ccm_app::Sight::Old).await.unwrap();
    world.clock.advance(SECOND);

    world.fleet.request_stop(&person(), &which(&worker), world.op()).await.unwrap();
    let down = world.drive(&world.ops(1), worker.id, 10 * MINUTE).await;

    assert_eq!((down.state(), down.spec.power), (WorkerState::Stopped, Power::Off));
    let kinds: Vec<_> = down.operations.iter().map(|o| (o.kind, o.state)).collect();
    let wanted = [
        (OperationKind::Stop, OperationState::Succeeded),
        (OperationKind::Start, OperationState::Canceled),
    ];
    assert_eq!(kinds[..2], wanted);
}

#[tokio::test]
async fn tags_and_monitoring_are_brought_to_what_is_wanted() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    let any = ccm_app::Expected::Any;
    let tags = [("team".to_owned(), "night shift".to_owned())].into();
    world.fleet.set_tags(&person(), &which(&worker), &any, &tags).await.unwrap();
    let on = !worker.status.instance.as_ref().unwrap().detailed_monitoring;
    world.fleet.set_monitoring(&person(), &which(&worker), on).await.unwrap();

    for _ in 0..4 {
        world.ops(1).reconcile(worker.id, ccm_app::Sight::Old).await.unwrap();
        world.clock.advance(2 * SECOND);
    }

    let seen = world.worker(worker.id).await;
    assert_eq!(seen.status.tags["team"], "night shift");
    assert_eq!(seen.status.tags["Name"], worker.status.tags["Name"]);
    assert_eq!(seen.status.instance.unwrap().detailed_monitoring, on);
}
