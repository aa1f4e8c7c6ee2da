//! What people ask for now: picked up at once, folded, throttled, and never left without an answer.

use ccm_app::WorkerRef;
use ccm_domain::cml::{LabAction, LabState};
use ccm_domain::command::ImportRequest;
use ccm_domain::{
    Command, CommandKind, CommandState, InstanceState, OperationId, Run, RunState, Worker,
    WorkerState,
};
use ccm_ports::{Query, Writer, lab_key};
use ccm_testkit::lab_host::Fault;

use crate::world::{Leader, MINUTE, SECOND, World, author, controller, person};

async fn furnished() -> (World, Leader, Worker) {
    let world = World::furnished(6).await;
    let leader = world.leader(2).await;
    leader.settle().await;
    let worker = world.serving().await;
    (world, leader, worker)
}

async fn refresh(world: &World, worker: &Worker) -> Command {
    let id = world.fleet.new_operation_id();
    world.fleet.request_refresh(&person(), &WorkerRef::Id(worker.id), id).await.unwrap()
}

async fn ask(world: &World, kind: CommandKind) -> OperationId {
    let id = world.fleet.new_operation_id();
    let mut command = Command::new(id, kind, &author(), None, world.now()).unwrap();
    let commands = &world.fleet.stores.commands;
    world.fleet.insert(commands, &mut command, Writer::Intent).await.unwrap();
    id
}

#[tokio::test]
async fn a_refresh_is_done_at_once_and_two_of_one_worker_are_one() {
    let (world, leader, worker) = furnished().await;

    let (first, second) = (refresh(&world, &worker).await, refresh(&world, &worker).await);
    assert_eq!(first.id, second.id);
    leader.settle().await;

    let done = world.command(first.id).await;
    assert_eq!((done.state, done.ended_at), (CommandState::Done, Some(world.now())));
    assert_eq!(done.result["service"], "available", "{done:#?}");
    assert_eq!(world.runs_of("refresh_worker").await.len(), 1);
    let seen = world.worker(worker.id).await;
    assert_eq!(seen.status.metrics.at, Some(world.now()));
    assert_eq!(seen.status.activity.read_at, Some(world.now()));

    // The next one of the same worker waits its ten seconds, on whichever pod it is asked for.
    let third = refresh(&world, &worker).await;
    leader.settle().await;
    assert_eq!(world.command(third.id).await.state, CommandState::Queued);
    leader.live(&world, 11 * SECOND).await;
    assert_eq!(world.command(third.id).await.state, CommandState::Done);
}

#[tokio::test]
async fn equal_imports_in_line_are_one_but_one_that_has_begun_serves_nobody_else() {
    let (world, leader, _) = furnished().await;
    let scope = world.remotes.scopes[0].clone();
    let request = ImportRequest {
        account: scope.account,
        region: scope.region,
        instance_id: None,
        image_id: None,
        image_name: Some("cml*".to_owned()),
        all: true,
        name: None,
        cml_endpoint: None,
    };
    let import = async || {
        let id = world.fleet.new_operation_id();
        world.fleet.request_import(&person(), request.clone(), id).await.unwrap()
    };
    let commands = &world.fleet.stores.commands;
    let by = Writer::Leader(ccm_domain::Epoch(2));

    let (first, second) = (import().await, import().await);
    assert_eq!(first.id, second.id);
    let now = world.now();
    let claim = |c: &mut Command| Ok(c.claim(ccm_domain::Epoch(2), now)?);
    world.fleet.update(commands, &first.id.to_string(), by, claim).await.unwrap();
    let mut run = Run::of_command(first.id, "import_instances", None, now);
    world.fleet.insert(&world.fleet.stores.runs, &mut run, by).await.unwrap();
    assert_eq!(import().await.id, first.id, "its run waits for its turn");
    let begin = |run: &mut Run| Ok(run.start(ccm_domain::Epoch(2), now)?);
    world.fleet.update(&world.fleet.stores.runs, &run.id.to_string(), by, begin).await.unwrap();
    let third = import().await;
    assert_ne!(third.id, first.id);
    assert_eq!(import().await.id, third.id);

    leader.settle().await;
    assert_eq!(world.command(third.id).await.state, CommandState::Done);
    assert_ne!(import().await.id, third.id);
}

#[tokio::test]
async fn what_ec2_tells_of_an_instance_is_looked_at_at_once() {
    let (world, leader, worker) = furnished().await;
    world.sim.cloud().stop_as_console(worker.instance_id().unwrap()).unwrap();
    let kind = CommandKind::LookAtWorker { worker: worker.id, told: InstanceState::Stopping };

    let id = ask(&world, kind).await;
    leader.settle().await;

    let done = world.command(id).await;
    assert_eq!((done.state, done.ended_at), (CommandState::Done, Some(world.now())));
    assert_eq!(done.result["state"], "stopping", "{done:#?}");
    let seen = world.worker(worker.id).await;
    assert_eq!(seen.state(), WorkerState::Stopping);
    assert!(seen.status.drift.unwrap().detail.contains("stopped from outside"));
}

#[tokio::test]
async fn a_refresh_of_a_worker_whose_controller_is_away_says_so() {
    let (world, leader, worker) = furnished().await;
    world.sim.hosts().inject(worker.instance_id().unwrap(), Fault::Unreachable, None);

    let command = refresh(&world, &worker).await;
    leader.settle().await;

    let done = world.command(command.id).await;
    assert_eq!(done.state, CommandState::Done);
    assert_eq!(done.result["service"], "degraded", "{done:#?}");
    assert!(!done.result["errors"].as_array().unwrap().is_empty(), "{done:#?}");
}

#[tokio::test]
async fn a_lab_is_imported_started_stopped_wiped_and_deleted() {
    let (world, leader, worker) = furnished().await;
    let yaml = "lab: {title: asked for}\nlinks: []\nnodes:\n  \
                - {id: n0, label: host, node_definition: alpine}\n"
        .to_owned();
    let import = ask(&world, CommandKind::ImportLab { worker: worker.id, yaml }).await;
    leader.settle().await;
    let answer = world.command(import).await;
    assert_eq!(answer.state, CommandState::Done, "{answer:#?}");
    let lab: ccm_domain::LabId = serde_json::from_value(answer.result["lab"].clone()).unwrap();
    let key = lab_key(worker.id, &lab);
    assert_eq!(world.fleet.stores.labs.get(&key).await.unwrap().seen.title, "asked for");

    let which = WorkerRef::Id(worker.id);
    for (action, state) in [
        (LabAction::Start, LabState::Started),
        (LabAction::Stop, LabState::Stopped),
        (LabAction::Wipe, LabState::DefinedOnCore),
    ] {
        let id = world.fleet.new_operation_id();
        world.fleet.request_lab_action(&person(), &which, &lab, action, id).await.unwrap();
        leader.settle().await;
        assert_eq!(world.command(id).await.state, CommandState::Done, "{action:?}");
        leader.live(&world, 6 * MINUTE).await;
        let seen = world.fleet.stores.labs.get(&key).await.unwrap();
        assert_eq!((seen.seen.state, seen.open_action()), (state, None), "{action:?}");
    }
    let id = world.fleet.new_operation_id();
    world.fleet.request_lab_action(&person(), &which, &lab, LabAction::Delete, id).await.unwrap();
    leader.settle().await;
    assert!(world.fleet.stores.labs.get(&key).await.unwrap().removed_at.is_some());
}

#[tokio::test]
async fn a_lab_action_that_is_given_up_does_not_block_its_lab() {
    let (world, leader, worker) = furnished().await;
    let of_worker = Query::default().is("worker", worker.id.to_string());
    let lab = world.fleet.stores.labs.list(&of_worker).await.unwrap().items.remove(0);
    let action =
        if lab.seen.state == LabState::Started { LabAction::Stop } else { LabAction::Start };
    let id = world.fleet.new_operation_id();
    let which = WorkerRef::Id(worker.id);
    world.fleet.request_lab_action(&person(), &which, &lab.id, action, id).await.unwrap();
    world.sim.hosts().inject(worker.instance_id().unwrap(), Fault::Status { status: 503 }, None);

    leader.live(&world, 2 * MINUTE).await;

    let command = world.command(id).await;
    assert_eq!(command.state, CommandState::Failed, "{command:#?}");
    assert_eq!(world.run(&id.to_string()).await.attempt, 3);
    let key = lab_key(worker.id, &lab.id);
    assert_eq!(world.fleet.stores.labs.get(&key).await.unwrap().open_action(), None);
}

#[tokio::test]
async fn an_import_that_a_lost_leader_may_have_made_is_not_made_twice() {
    let (world, leader, worker) = furnished().await;
    let at = controller(&worker);
    let labs = || async { world.remotes.cml.labs(&at).await.unwrap().len() };
    let yaml = "lab:\n  title: once\n  version: 0.2.2\nnodes: []\nlinks: []\n".to_owned();
    let before = labs().await;
    // The controller has it, and the leader that asked was lost before it could write that down.
    world.remotes.cml.import_lab(&at, &yaml).await.unwrap();
    let id = ask(&world, CommandKind::ImportLab { worker: worker.id, yaml }).await;
    let mut run = ccm_domain::Run::of_command(id, "run_lab_actions", Some(worker.id), world.now());
    run.starts = 1;
    run.crashes = 1;
    world.fleet.stores.runs.insert(&run, &[], Writer::Intent).await.unwrap();

    leader.settle().await;

    assert_eq!(world.command(id).await.state, CommandState::Done);
    assert_eq!(labs().await, before + 1);
}

#[tokio::test]
async fn an_import_answers_what_became_of_each_instance() {
    let world = World::quiet(4);
    let leader = world.leader_with(1, crate::world::jobs("{}")).await;
    leader.settle().await;
    let scope = world.remotes.scopes[0].clone();
    let all = world.remotes.compute.sweep(&scope).await.unwrap();
    let request = |instance: &str| ImportRequest {
        account: scope.account.clone(),
        region: scope.region.clone(),
        instance_id: Some(instance.parse().unwrap()),
        image_id: None,
        image_name: None,
        all: false,
        name: Some("by hand".to_owned()),
        cml_endpoint: None,
    };
    let ask = |request| {
        let id = world.fleet.new_operation_id();
        let world = &world;
        async move { world.fleet.request_import(&person(), request, id).await.unwrap().id }
    };

    let first = ask(request(all[0].id.as_str())).await;
    let unknown = ask(request("i-0000000000000dead")).await;
    leader.settle().await;
    let twin = ask(request(all[0].id.as_str())).await;
    leader.settle().await;

    let imported = world.command(first).await;
    assert_eq!(imported.result["imported"][0]["instance_id"], all[0].id.as_str(), "{imported:#?}");
    assert_eq!(world.worker_of(&all[0].id).await.name, "by hand");
    assert_eq!(world.worker_of(&all[0].id).await.created_by, author());
    let twin = world.command(twin).await;
    assert_eq!(twin.result["skipped"][0]["reason"], "it is a worker already", "{twin:#?}");
    let unknown = world.command(unknown).await;
    assert_eq!(unknown.state, CommandState::Failed);
    assert!(unknown.reason.unwrap().contains("no instance matches"));
    let run = world.run(&unknown.id.to_string()).await;
    assert_eq!((run.state, run.attempt), (RunState::Dead, 1));
    assert_eq!(world.workers().await.len(), 1);
}

#[tokio::test]
async fn a_command_to_run_a_schedule_runs_it_and_an_unknown_one_says_so() {
    let world = World::quiet(1);
    let leader = world.leader(1).await;
    leader.settle().await;
    let before = world.runs_of("prune").await.len();

    let known = ask(&world, CommandKind::Trigger { schedule: "prune".to_owned() }).await;
    let unknown = ask(&world, CommandKind::Trigger { schedule: "brew_coffee".to_owned() }).await;
    leader.settle().await;
    leader.settle().await;

    assert_eq!(world.command(known).await.state, CommandState::Done);
    assert_eq!(world.runs_of("prune").await.len(), before + 1);
    assert_eq!(world.command(unknown).await.state, CommandState::Failed);
}

#[tokio::test]
async fn a_command_that_a_lost_leader_claimed_is_done_once_by_the_next() {
    let (world, leader, worker) = furnished().await;
    let command = refresh(&world, &worker).await;
    let now = world.now();
    let claim = |c: &mut Command| Ok(c.claim(ccm_domain::Epoch(2), now)?);
    let by = Writer::Leader(ccm_domain::Epoch(2));
    let commands = &world.fleet.stores.commands;
    world.fleet.update(commands, &command.id.to_string(), by, claim).await.unwrap();
    leader.crash().await;

    let next = world.leader(3).await;
    next.settle().await;

    assert_eq!(world.command(command.id).await.state, CommandState::Done);
    assert_eq!(world.run(&command.id.to_string()).await.starts, 1);
}

#[tokio::test]
async fn labs_are_synced_and_licences_stepped_on_command() {
    let (world, leader, worker) = furnished().await;
    let which = WorkerRef::Id(worker.id);
    world.remotes.cml.import_lab(&controller(&worker), "lab: {title: outside}").await.unwrap();
    let sync = world.fleet.new_operation_id();
    world.fleet.request_lab_refresh(&person(), &which, sync).await.unwrap();
    let op = world.fleet.new_operation_id();
    world.fleet.request_deregistration(&person(), &which, op).await.unwrap();
    let step = ask(&world, CommandKind::DeregisterLicense { worker: worker.id }).await;

    leader.settle().await;

    assert_eq!(world.command(sync).await.state, CommandState::Done);
    let titled = Query::default().is("worker", worker.id.to_string()).is("title", "outside");
    assert_eq!(world.fleet.stores.labs.list(&titled).await.unwrap().items.len(), 1);
    assert_eq!(world.command(step).await.state, CommandState::Done);
    let stepped = world.worker(worker.id).await;
    assert!(!stepped.status.license.holds_seat(), "{:#?}", stepped.operations);
}
