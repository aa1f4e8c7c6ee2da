use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::cml::LabAction;
use crate::{ActorKind, InstanceState, LabId, WorkerId};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn ada() -> Author {
    Author { kind: ActorKind::Person, name: "ada".to_owned() }
}

fn worker() -> WorkerId {
    WorkerId::new(Uuid::from_u128(7))
}

fn lab() -> LabId {
    "lab-1".parse().unwrap()
}

fn refresh(last: Option<i64>, now: i64) -> Command {
    let kind = CommandKind::RefreshWorker { worker: worker() };
    let id = OperationId::new(Uuid::from_u128(1));
    Command::new(id, kind, &ada(), last.map(at), at(now)).unwrap()
}

fn import() -> ImportRequest {
    ImportRequest {
        account: crate::Account::default(),
        region: "eu-west-1".parse().unwrap(),
        instance_id: None,
        image_id: None,
        image_name: Some("cml-*".to_owned()),
        all: false,
        name: None,
        cml_endpoint: None,
    }
}

fn every_kind() -> Vec<CommandKind> {
    vec![
        CommandKind::RefreshWorker { worker: worker() },
        CommandKind::LookAtWorker { worker: worker(), told: InstanceState::ShuttingDown },
        CommandKind::SyncLabs { worker: worker() },
        CommandKind::LabAction { worker: worker(), lab: lab(), action: LabAction::Stop },
        CommandKind::ImportLab { worker: worker(), yaml: "lab:".to_owned() },
        CommandKind::DownloadLab { worker: worker(), lab: lab() },
        CommandKind::ImportInstances { request: import() },
        CommandKind::RegisterLicense {
            worker: worker(),
            secret: "ref".to_owned(),
            reregister: false,
        },
        CommandKind::DeregisterLicense { worker: worker() },
        CommandKind::Trigger { schedule: "prune".to_owned() },
    ]
}

#[test]
fn looks_fold_and_orders_do_not() {
    let folds: Vec<bool> = every_kind().iter().map(|kind| kind.fold_key().is_some()).collect();

    assert_eq!(folds, [true, true, true, false, false, true, true, false, true, true]);
}

#[test]
fn looks_because_of_two_states_are_two() {
    let key = |told| CommandKind::LookAtWorker { worker: worker(), told }.fold_key().unwrap();

    assert_eq!(key(InstanceState::Stopping), key(InstanceState::Stopping));
    assert_ne!(key(InstanceState::Stopping), key(InstanceState::Stopped));
}

#[test]
fn imports_fold_when_they_ask_for_the_same_and_say_nothing_of_the_worker() {
    let key = |change: fn(&mut ImportRequest)| {
        let mut request = import();
        change(&mut request);
        CommandKind::ImportInstances { request }.fold_key()
    };

    let same = key(|_| {}).unwrap();
    assert_eq!(key(|_| {}), Some(same.clone()));
    let others = [
        key(|r| r.all = true),
        key(|r| r.account = "123456789012".parse().unwrap()),
        key(|r| r.region = "eu-west-2".parse().unwrap()),
        key(|r| r.image_name = Some("cml2-*".to_owned())),
        key(|r| (r.image_name, r.image_id) = (None, "ami-0123456789abcdef0".parse().ok())),
        key(|r| (r.image_name, r.instance_id) = (None, "i-0123456789abcdef0".parse().ok())),
    ];
    let keys: std::collections::BTreeSet<String> = others.into_iter().flatten().collect();
    assert_eq!(keys.len(), 6);
    assert!(!keys.contains(&same));
    assert_eq!(key(|r| r.name = Some("one".to_owned())), None);
    assert_eq!(key(|r| r.cml_endpoint = Some("https://one".to_owned())), None);
}

#[test]
fn every_command_has_a_job_of_the_table_or_is_the_schedulers_own() {
    for kind in every_kind() {
        match kind.job() {
            Some(job) => {
                assert!(crate::schedule::JOBS.iter().any(|spec| spec.name == job), "{job}")
            }
            None => assert!(matches!(kind, CommandKind::Trigger { .. })),
        }
    }
}

#[test]
fn commands_survive_being_written_and_read() {
    for kind in every_kind() {
        let id = OperationId::new(Uuid::from_u128(1));
        let command = Command::new(id, kind, &ada(), None, at(5)).unwrap();
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
    }
}

#[test]
fn the_wire_name_of_a_kind_stands_beside_its_fields() {
    let kind = CommandKind::RefreshWorker { worker: worker() };

    let expected = json!({"name": "refresh_worker", "worker": worker().to_string()});
    assert_eq!(serde_json::to_value(kind).unwrap(), expected);
}

#[test]
fn a_look_waits_until_the_last_one_is_old_enough() {
    for (last, not_before, waits) in
        [(None, 100, false), (Some(50), 100, false), (Some(90), 100, false), (Some(95), 105, true)]
    {
        let command = refresh(last, 100);
        assert_eq!((command.not_before, command.reason.is_some()), (at(not_before), waits));
        assert_eq!(command.is_due(at(100)), !waits);
        assert!(command.is_due(at(105)));
    }
}

#[test]
fn a_command_before_its_time_is_not_claimed() {
    let mut command = refresh(Some(95), 100);

    assert_eq!(command.claim(Epoch(1), at(104)).unwrap_err().code(), "command_not_due");
    assert_eq!(command.claim(Epoch(1), at(105)), Ok(()));
    assert_eq!(command.reason, None);
}

/// Every transition in every state.
#[test]
fn commands_move_only_along_their_way() {
    use CommandState as S;
    type Transition = fn(&mut Command) -> Result<(), DomainError>;
    let transitions: [(&str, Transition, [Option<S>; 4]); 4] = [
        ("claim", |c| c.claim(Epoch(2), at(200)), [Some(S::Claimed), None, None, None]),
        ("hand_back", Command::hand_back, [None, Some(S::Queued), None, None]),
        ("done", |c| c.done(json!({"n": 1}), at(200)), [None, Some(S::Done), None, None]),
        ("fail", |c| c.fail("no", at(200)), [Some(S::Failed), Some(S::Failed), None, None]),
    ];
    for (name, transition, expected) in transitions {
        for (state, expected) in
            [S::Queued, S::Claimed, S::Done, S::Failed].into_iter().zip(expected)
        {
            let mut command = refresh(None, 100);
            command.state = state;
            let before = command.clone();
            match (transition(&mut command), expected) {
                (Ok(()), Some(next)) => assert_eq!(command.state, next, "{name} of {state:?}"),
                (Err(error), None) => {
                    assert_eq!(error.code(), "command_state");
                    assert_eq!(command, before, "{name} of {state:?} changed something");
                }
                (answer, _) => panic!("{name} of {state:?}: {answer:?}"),
            }
            assert_eq!(command.is_open(), matches!(command.state, S::Queued | S::Claimed));
        }
    }
}

#[test]
fn what_is_out_of_bounds_is_refused_with_its_field() {
    let import = |change: fn(&mut ImportRequest)| {
        let mut request = import();
        change(&mut request);
        CommandKind::ImportInstances { request }
    };
    let yaml = |yaml: String| CommandKind::ImportLab { worker: worker(), yaml };
    for (kind, pointer) in [
        (yaml("  \n".to_owned()), "/yaml"),
        (yaml("x".repeat(YAML_LIMIT + 1)), "/yaml"),
        (CommandKind::Trigger { schedule: String::new() }, "/schedule"),
        (
            CommandKind::RegisterLicense {
                worker: worker(),
                secret: String::new(),
                reregister: true,
            },
            "/token",
        ),
        (import(|r| r.image_name = None), "/instance_id"),
        (import(|r| r.instance_id = Some("i-0abcd123".parse().unwrap())), "/instance_id"),
        (import(|r| r.image_name = Some(String::new())), "/ami_name"),
        (import(|r| (r.all, r.name) = (true, Some("x".to_owned()))), "/name"),
        (import(|r| (r.all, r.cml_endpoint) = (true, Some("x".to_owned()))), "/cml_endpoint"),
    ] {
        let id = OperationId::new(Uuid::from_u128(1));
        let error = Command::new(id, kind, &ada(), None, at(0)).unwrap_err();
        let DomainError::Invalid { faults } = error else { panic!("{error:?}") };
        assert_eq!(faults.first().map(|fault| fault.pointer.as_str()), Some(pointer));
    }
    assert_eq!(yaml("x".repeat(YAML_LIMIT)).check(), vec![]);
}
