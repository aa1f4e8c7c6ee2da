//! Labs are merged with what controllers show, and acted on by command.

use ccm_domain::cml::{LabAction, LabState};
use ccm_domain::lab::ActionState;
use ccm_domain::{Lab, OperationId, Worker};
use ccm_events::Kind;
use ccm_ports::{Query, Writer, lab_key};
use ccm_testkit::lab_host::Fault;

use crate::world::{MINUTE, World, author, controller, instance, person, which};

const YAML: &str =
    "lab: {title: fresh}\nlinks: []\nnodes:\n  - {id: n0, label: a, node_definition: alpine}\n";

async fn refreshed() -> (World, Worker, Vec<Lab>) {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    world.ops(1).refresh_labs(&worker).await.unwrap();
    let labs = world.ops(1).labs_of(worker.id).await.unwrap();
    assert!(!labs.is_empty());
    (world, worker, labs)
}

async fn lab(world: &World, lab: &Lab) -> Lab {
    world.fleet.stores.labs.get(&lab_key(lab.worker, &lab.id)).await.unwrap()
}

/// Asks for an action as the API does; returns the command that carries it out.
async fn ask(world: &World, worker: &Worker, lab: &Lab, action: LabAction) -> OperationId {
    let (by, target, op) = (person(), which(worker), world.op());
    world.fleet.request_lab_action(&by, &target, &lab.id, action, op).await.unwrap();
    op
}

fn possible(lab: &Lab) -> LabAction {
    if lab.seen.state == LabState::Started { LabAction::Stop } else { LabAction::Start }
}

#[tokio::test]
async fn labs_are_seen_with_nodes_and_a_second_look_that_shows_the_same_writes_nothing() {
    let (world, worker, labs) = refreshed().await;

    let again = world.ops(1).refresh_labs(&world.worker(worker.id).await).await.unwrap();

    assert_eq!((again.get("changed"), again.get("unchanged")), (0, labs.len() as u64));
    assert_eq!(world.worker(worker.id).await.status.cml.labs as usize, labs.len());
    assert!(labs.iter().any(|lab| !lab.seen.nodes.is_empty() && !lab.seen.links.is_empty()));
    for known in labs {
        assert_eq!(lab(&world, &known).await, known);
    }
}

#[tokio::test]
async fn a_lab_that_appears_outside_is_told_once_and_one_that_goes_is_removed() {
    let (world, worker, labs) = refreshed().await;
    let at = controller(&worker);
    let id = world.remotes.cml.import_lab(&at, YAML).await.unwrap();
    world.ops(1).refresh_labs(&worker).await.unwrap();
    let fresh = world.fleet.stores.labs.get(&lab_key(worker.id, &id)).await.unwrap();
    assert_eq!((fresh.seen.title.as_str(), fresh.removed_at), ("fresh", None));

    world.remotes.cml.act(&at, &id, LabAction::Delete).await.unwrap();
    let report = world.ops(1).refresh_labs(&worker).await.unwrap();

    assert_eq!(report.get("vanished"), 1);
    assert!(lab(&world, &fresh).await.removed_at.is_some());
    let query = Query::default().is("worker", worker.id.to_string()).is("removed", "false");
    let left = world.fleet.stores.labs.list(&query).await.unwrap().items;
    assert_eq!(left.len(), labs.len());
    let pending = world.fleet.stores.outbox.pending(10_000).await.unwrap();
    let told: Vec<_> = pending
        .iter()
        .filter(|pending| pending.key == lab_key(worker.id, &id))
        .flat_map(|pending| pending.changes.iter().map(|change| change.kind))
        .collect();
    assert_eq!(told, [Kind::LabCreated, Kind::LabRemoved]);
}

#[tokio::test]
async fn an_action_is_asked_for_carried_out_and_told() {
    let (world, worker, labs) = refreshed().await;
    let stopped = labs.iter().find(|lab| lab.seen.state != LabState::Started).unwrap();
    let op = ask(&world, &worker, stopped, LabAction::Start).await;
    assert!(lab(&world, stopped).await.open_action().is_some());

    world.ops(1).act_on_lab(op, worker.id, &stopped.id, LabAction::Start).await.unwrap();

    let started = lab(&world, stopped).await;
    assert_eq!(started.seen.state, LabState::Started);
    let action = started.action.unwrap();
    assert_eq!((action.state, action.asked_by), (ActionState::Done, author()));
}

#[tokio::test]
async fn what_the_controller_refuses_is_written_into_the_lab() {
    let (world, worker, labs) = refreshed().await;
    let some = &labs[0];
    let action = possible(some);
    let op = ask(&world, &worker, some, action).await;
    world.sim.hosts().inject(instance(&worker), Fault::TokensRefused, None);

    let refused = world.ops(1).act_on_lab(op, worker.id, &some.id, action).await.unwrap_err();

    let action = lab(&world, some).await.action.unwrap();
    assert_eq!(action.state, ActionState::Failed);
    assert_eq!(action.reason.unwrap(), refused.to_string());
}

#[tokio::test]
async fn an_action_whose_command_is_gone_does_not_block_its_lab() {
    let (world, worker, labs) = refreshed().await;
    let some = &labs[0];
    let now = world.now();
    let orphan = world.op();
    let request = |lab: &mut Lab| {
        lab.request(orphan, possible(lab), &author(), now)?;
        Ok(())
    };
    let key = lab_key(worker.id, &some.id);
    let labs = &world.fleet.stores.labs;
    world.fleet.update(labs, &key, Writer::Intent, request).await.unwrap();

    world.ops(1).refresh_labs(&worker).await.unwrap();

    let action = lab(&world, some).await.action.unwrap();
    assert_eq!(action.state, ActionState::Failed);
    assert!(action.reason.unwrap().contains("nobody"));
}

#[tokio::test]
async fn an_action_whose_command_waits_is_left_alone_by_a_refresh() {
    let (world, worker, labs) = refreshed().await;
    let some = &labs[0];
    let op = ask(&world, &worker, some, possible(some)).await;

    world.ops(1).refresh_labs(&worker).await.unwrap();

    assert_eq!(lab(&world, some).await.open_action().unwrap().command, op);
}

#[tokio::test]
async fn an_import_that_may_have_got_through_is_not_repeated() {
    let (world, worker, _) = refreshed().await;
    let at = controller(&worker);
    let first = world.remotes.cml.import_lab(&at, YAML).await.unwrap();

    let again = world.ops(1).import_lab(worker.id, YAML, true).await.unwrap();

    assert_eq!(again, first);
    assert_eq!(
        world.fleet.stores.labs.get(&lab_key(worker.id, &first)).await.unwrap().seen.title,
        "fresh"
    );
    let other = world.ops(1).import_lab(worker.id, YAML, true).await.unwrap();
    assert_ne!(other, first, "nothing appeared since, so this one was never made");
}

#[tokio::test]
async fn a_download_brings_the_file_and_a_worker_that_does_not_serve_says_so() {
    let (world, worker, labs) = refreshed().await;
    let yaml = world.ops(1).download_lab(worker.id, &labs[0].id).await.unwrap();
    assert!(yaml.contains(&labs[0].seen.title), "{yaml}");

    world.sim.cloud().stop_as_console(instance(&worker)).unwrap();
    world.clock.advance(MINUTE);
    world.sweep(1).await;
    let refused = world.ops(1).download_lab(worker.id, &labs[0].id).await.unwrap_err();
    assert!(refused.to_string().contains("does not serve"), "{refused}");
}
