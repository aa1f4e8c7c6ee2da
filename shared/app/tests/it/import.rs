//! Known, unknown, vanished and twin instances.

use ccm_app::FleetError;
use ccm_domain::command::ImportRequest;
use ccm_domain::settings::ImportRule;
use ccm_domain::worker::{Origin, Power};
use ccm_domain::{ImageId, Instance, InstanceState, Scope, WorkerState};
use ccm_events::Kind;
use ccm_ports::RemoteError;

use crate::world::{MINUTE, SECOND, World, author, instance, person, which};

fn request(scope: &Scope) -> ImportRequest {
    ImportRequest {
        account: scope.account.clone(),
        region: scope.region.clone(),
        instance_id: None,
        image_id: None,
        image_name: None,
        all: false,
        name: None,
        cml_endpoint: None,
    }
}

async fn everything(world: &World) -> Vec<(Scope, Instance)> {
    let mut all = Vec::new();
    for scope in &world.remotes.scopes {
        let seen = world.remotes.compute.sweep(scope).await.unwrap();
        all.extend(seen.into_iter().map(|instance| (scope.clone(), instance)));
    }
    all
}

#[tokio::test]
async fn one_is_imported_by_its_id_with_what_is_seen_of_it_and_its_twin_is_refused() {
    let world = World::new(6);
    let (scope, seen) = everything(&world).await.remove(0);
    let mut one = request(&scope);
    one.instance_id = Some(seen.id.clone());

    let answer = world.ops(1).import_requested(&one, &author()).await.unwrap();
    let twin = world.ops(1).import_requested(&one, &author()).await.unwrap();

    assert_eq!((answer.found, answer.imported.len()), (1, 1));
    let worker = world.worker(answer.imported[0].worker).await;
    assert_eq!((worker.origin, &worker.created_by), (Origin::Imported, &author()));
    assert_eq!(Some(worker.name.as_str()), seen.name());
    assert_eq!(worker.status.tags, seen.tags);
    assert!(worker.status.endpoint.is_some());
    assert_eq!((twin.imported.len(), twin.skipped.len()), (0, 1));
    assert_eq!(twin.skipped[0].reason, "it is a worker already");
    assert_eq!(world.told(worker.id, Kind::WorkerImported).await.len(), 1);
}

#[tokio::test]
async fn an_unknown_instance_and_an_ambiguous_image_are_refused_with_what_to_do() {
    let world = World::new(12);
    let scope = world.remotes.scopes[0].clone();
    let mut unknown = request(&scope);
    unknown.instance_id = Some("i-0000000000000dead".parse().unwrap());
    let refused = world.ops(1).import_requested(&unknown, &author()).await.unwrap_err();
    assert!(matches!(refused, FleetError::Remote(RemoteError::NotFound(_))), "{refused:?}");

    let mut several = request(&scope);
    several.image_name = Some("*cml2*".to_owned());
    let refused = world.ops(1).import_requested(&several, &author()).await.unwrap_err();
    assert!(refused.to_string().contains("ask for all"), "{refused}");
    several.all = true;
    let answer = world.ops(1).import_requested(&several, &author()).await.unwrap();
    assert!(answer.imported.len() > 1);
    assert_eq!(answer.found as usize, answer.imported.len());

    let mut by_image = request(&scope);
    by_image.image_id = Some("ami-00000000000000bad".parse::<ImageId>().unwrap());
    assert!(world.ops(1).import_requested(&by_image, &author()).await.is_err());
}

#[tokio::test]
async fn terminated_instances_are_left_out_with_the_reason() {
    let world = World::new(3);
    let (scope, seen) = everything(&world).await.remove(0);
    world.sim.cloud().terminate_as_console(&seen.id).unwrap();
    let mut one = request(&scope);
    one.instance_id = Some(seen.id.clone());

    let going = world.ops(1).import_requested(&one, &author()).await.unwrap();
    world.clock.advance(2 * MINUTE);
    let gone = world.ops(1).import_requested(&one, &author()).await.unwrap();

    for answer in [going, gone] {
        assert_eq!(answer.skipped[0].reason, "the instance is terminated");
        assert!(answer.imported.is_empty());
    }
}

#[tokio::test]
async fn rules_import_what_matches_image_and_tag_and_nothing_else_and_only_once() {
    let world = World::new(12);
    let all = everything(&world).await;
    let team = all[0].1.tags["team"].clone();
    let rule = |scope: &Scope| ImportRule {
        account: scope.account.clone(),
        region: scope.region.clone(),
        enabled: true,
        image_name: Some("*cml2*".to_owned()),
        tag: Some("team".to_owned()),
        tag_value: Some(team.clone()),
    };
    let rules = world.remotes.scopes.iter().map(rule).collect();
    world.set(|spec| spec.import.rules = rules).await;

    for _ in 0..2 {
        for scope in &world.remotes.scopes {
            world.ops(1).import_by_rules(scope, &author()).await.unwrap();
        }
    }

    let of_team = all.iter().filter(|(_, instance)| instance.tags["team"] == team).count();
    let workers = world.workers().await;
    assert_eq!(workers.len(), of_team);
    assert!(of_team < all.len());
    for worker in workers {
        let stopped = worker.state() == WorkerState::Stopped;
        assert_eq!(worker.spec.power == Power::Off, stopped, "{}", worker.name);
    }
}

#[tokio::test]
async fn two_imports_at_once_make_one_worker_of_each_instance() {
    let world = World::new(12);
    world.rules_for_everything().await;
    let (one, other) = (world.ops(1), world.ops(1));

    for scope in &world.remotes.scopes {
        let by = author();
        let (a, b) =
            tokio::join!(one.import_by_rules(scope, &by), other.import_by_rules(scope, &by));
        a.unwrap();
        b.unwrap();
    }

    let workers = world.workers().await;
    let instances: std::collections::BTreeSet<_> = workers.iter().map(instance).collect();
    assert_eq!((workers.len(), instances.len()), (12, 12));
}

#[tokio::test]
async fn an_instance_under_creation_is_not_imported_as_another_worker() {
    let world = World::new(0);
    world.rules_for_everything().await;
    let order = ccm_app::WorkerOrder {
        name: "fresh".to_owned(),
        account: world.remotes.scopes[0].account.clone(),
        region: world.remotes.scopes[0].region.clone(),
        instance_type: Some("c5.2xlarge".parse().unwrap()),
        image: Some(ccm_domain::ImageQuery { id: None, name: Some("cml2-*".to_owned()) }),
        tags: std::collections::BTreeMap::new(),
        cml_version: None,
        endpoint: None,
        idle: ccm_domain::IdlePolicy::default(),
    };
    let fresh = world.fleet.create_worker(&person(), order, world.op()).await.unwrap();
    // AWS launches it, and the answer is lost.
    world.sim.cloud().faults(|faults| faults.launch_answer_lost_next = 1);
    world.ops(1).reconcile(fresh.id, ccm_app::Sight::Old).await.unwrap();
    assert_eq!(world.sim.cloud().all().len(), 1);

    let report = world.ops(1).import_by_rules(&world.remotes.scopes[0], &author()).await.unwrap();

    assert_eq!((report.get("imported"), report.get("skipped")), (0, 1));
    world.drive(&world.ops(1), fresh.id, 10 * MINUTE).await;
    assert_eq!(world.workers().await.len(), 1);
}

#[tokio::test]
async fn an_instance_that_vanishes_is_missing_first_and_terminated_after_three_sweeps() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    world.sim.cloud().forget(instance(&worker)).unwrap();

    world.sweep(1).await;
    let missing = world.worker(worker.id).await;
    assert_eq!(missing.state(), WorkerState::Missing);
    assert_eq!(missing.status.drift.unwrap().what, "missing");
    for _ in 0..2 {
        world.clock.advance(MINUTE + SECOND);
        world.sweep(1).await;
    }

    let gone = world.worker(worker.id).await;
    assert_eq!(gone.state(), WorkerState::Terminated);
    assert!(gone.status.state_reason.unwrap().contains("does not know"));
}

#[tokio::test]
async fn a_removed_worker_leaves_its_instance_to_be_imported_again() {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    let any = ccm_app::Expected::Any;
    world.fleet.remove_worker(&person(), &which(&worker), &any).await.unwrap();

    let mut one = request(&worker.scope);
    one.instance_id = Some(instance(&worker).clone());
    let answer = world.ops(1).import_requested(&one, &author()).await.unwrap();

    assert_eq!(answer.imported.len(), 1, "{answer:?}");
    assert_ne!(answer.imported[0].worker, worker.id);
    let seen = world.remotes.compute.look(&worker.scope, &[instance(&worker).clone()]).await;
    assert_eq!(seen.unwrap()[0].state, InstanceState::Running);
}
