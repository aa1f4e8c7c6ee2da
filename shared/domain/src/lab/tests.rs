use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::cml::{LinkSeen, NodeSeen};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn ada() -> Author {
    Author { kind: crate::ActorKind::Person, name: "ada".to_owned() }
}

fn command(n: u128) -> OperationId {
    OperationId::new(Uuid::from_u128(n))
}

fn node(id: &str, state: &str) -> NodeSeen {
    NodeSeen {
        id: id.to_owned(),
        label: id.to_owned(),
        definition: "iosv".to_owned(),
        state: state.to_owned(),
        x: 0,
        y: 0,
    }
}

fn seen(state: LabState) -> LabSeen {
    LabSeen {
        id: "lab-1".parse().unwrap(),
        title: "OSPF".to_owned(),
        description: String::new(),
        state,
        owner: None,
        created_at: None,
        modified_at: None,
        nodes: vec![node("n1", "BOOTED"), node("n2", "STOPPED")],
        links: vec![LinkSeen { a: "n1".to_owned(), b: "n2".to_owned() }],
    }
}

fn lab(state: LabState) -> Lab {
    let mut lab = Lab::new(WorkerId::new(Uuid::nil()), seen(state), at(0));
    lab.take_facts();
    lab
}

#[test]
fn a_new_lab_is_told_once() {
    let mut lab = Lab::new(WorkerId::new(Uuid::nil()), seen(LabState::Stopped), at(0));

    assert_eq!(lab.take_facts(), [LabFact::Created]);
    assert!(!lab.has_facts());
    assert_eq!(lab.history, [LabMoment { state: LabState::Stopped, at: at(0) }]);
}

#[test]
fn looking_again_without_a_change_tells_nothing() {
    let mut lab = lab(LabState::Started);
    let mut other_order = seen(LabState::Started);
    other_order.nodes.reverse();

    assert!(!lab.observe(&other_order, at(60)));

    assert!(!lab.has_facts());
    assert_eq!((lab.seen_at, lab.history.len()), (at(60), 1));
}

#[test]
fn each_change_that_people_see_is_told() {
    type Change = fn(&mut LabSeen);
    let table: [(&str, Change, usize); 5] = [
        ("state", |s| s.state = LabState::Stopped, 2),
        ("title", |s| s.title = "BGP".to_owned(), 1),
        ("node", |s| s.nodes[0].state = "STOPPED".to_owned(), 1),
        ("link", |s| s.links.clear(), 1),
        ("owner", |s| s.owner = Some("ann".to_owned()), 1),
    ];
    for (what, change, history) in table {
        let mut lab = lab(LabState::Started);
        let mut next = seen(LabState::Started);
        change(&mut next);
        assert!(lab.observe(&next, at(60)), "{what}");
        assert_eq!(lab.take_facts(), [LabFact::Changed { from: LabState::Started }], "{what}");
        assert_eq!(lab.history.len(), history, "{what}");
    }
}

#[test]
fn a_lab_that_is_gone_is_told_once_and_may_come_back() {
    let mut lab = lab(LabState::Stopped);

    assert!(lab.vanish(at(60)));
    assert!(!lab.vanish(at(120)));
    assert_eq!((lab.removed_at, lab.take_facts()), (Some(at(60)), vec![LabFact::Removed]));

    assert!(lab.observe(&seen(LabState::Stopped), at(180)));
    assert_eq!((lab.removed_at, lab.take_facts()), (None, vec![LabFact::Created]));
}

/// Every action in every state: accepted, already so, or refused with a code.
#[test]
fn cmls_order_rules_hold_in_every_state() {
    use LabAction as A;
    use LabState as S;
    let table: [(S, A, Result<Answer, &str>); 16] = [
        (S::DefinedOnCore, A::Start, Ok(Answer::Accepted)),
        (S::DefinedOnCore, A::Stop, Ok(Answer::AlreadySo)),
        (S::DefinedOnCore, A::Wipe, Ok(Answer::AlreadySo)),
        (S::DefinedOnCore, A::Delete, Ok(Answer::Accepted)),
        (S::Started, A::Start, Ok(Answer::Accepted)),
        (S::Started, A::Stop, Ok(Answer::Accepted)),
        (S::Started, A::Wipe, Err("lab_not_stopped")),
        (S::Started, A::Delete, Err("lab_not_stopped")),
        (S::Stopped, A::Start, Ok(Answer::Accepted)),
        (S::Stopped, A::Stop, Ok(Answer::AlreadySo)),
        (S::Stopped, A::Wipe, Ok(Answer::Accepted)),
        (S::Stopped, A::Delete, Err("lab_not_wiped")),
        (S::Unknown, A::Start, Ok(Answer::Accepted)),
        (S::Unknown, A::Stop, Ok(Answer::Accepted)),
        (S::Unknown, A::Wipe, Err("lab_state_unknown")),
        (S::Unknown, A::Delete, Err("lab_state_unknown")),
    ];
    for (state, action, expected) in table {
        let mut lab = lab(state);
        let answer = lab.request(command(1), action, &ada(), at(5));
        assert_eq!(answer.as_ref().map_err(DomainError::code), expected.as_ref().map_err(|c| *c));
        assert_eq!(lab.open_action().is_some(), expected == Ok(Answer::Accepted));
        assert_eq!(lab.has_facts(), expected == Ok(Answer::Accepted), "{state:?} {action:?}");
    }
}

#[test]
fn a_lab_whose_nodes_all_run_is_started_already() {
    let mut lab = lab(LabState::Started);
    let mut all_up = seen(LabState::Started);
    all_up.nodes[1].state = "QUEUED".to_owned();
    lab.observe(&all_up, at(1));

    assert_eq!(lab.may(LabAction::Start), Ok(Answer::AlreadySo));
    assert_eq!(lab.allowed(), [LabAction::Stop]);
}

#[test]
fn one_action_at_a_time() {
    let mut lab = lab(LabState::Stopped);
    lab.request(command(1), LabAction::Start, &ada(), at(5)).unwrap();

    let same = lab.request(command(2), LabAction::Start, &ada(), at(6));
    let other = lab.request(command(3), LabAction::Wipe, &ada(), at(7)).unwrap_err();

    assert_eq!(same, Ok(Answer::AlreadyAsked));
    assert_eq!(other.code(), "lab_busy");
    assert_eq!(lab.open_action().map(|action| action.command), Some(command(1)));
    assert_eq!(lab.allowed(), []);
}

#[test]
fn an_action_goes_its_way_and_ends_once() {
    let mut lab = lab(LabState::Stopped);
    lab.request(command(1), LabAction::Start, &ada(), at(5)).unwrap();
    lab.take_facts();

    assert!(lab.action_began(command(1)));
    assert_eq!(lab.take_facts(), [LabFact::ActionChanged]);
    assert!(!lab.action_done(command(9), at(8)), "not of this command");
    assert!(lab.action_failed(command(1), "no memory left", at(9)));
    assert!(!lab.action_done(command(1), at(10)), "it has ended");

    let action = lab.action.clone().unwrap();
    assert_eq!((action.state, action.ended_at), (ActionState::Failed, Some(at(9))));
    assert_eq!(action.reason.as_deref(), Some("no memory left"));
    assert_eq!(lab.request(command(2), LabAction::Start, &ada(), at(11)), Ok(Answer::Accepted));
}

#[test]
fn a_lab_that_vanishes_ends_its_action() {
    for (kind, state, ends) in [
        (LabAction::Delete, LabState::DefinedOnCore, ActionState::Done),
        (LabAction::Start, LabState::DefinedOnCore, ActionState::Failed),
    ] {
        let mut lab = lab(state);
        lab.request(command(1), kind, &ada(), at(5)).unwrap();
        lab.take_facts();
        lab.vanish(at(9));

        assert_eq!(lab.action.as_ref().map(|a| (a.state, a.ended_at)), Some((ends, Some(at(9)))));
        assert_eq!(lab.take_facts(), [LabFact::ActionChanged, LabFact::Removed]);
        let refused = lab.request(command(2), LabAction::Start, &ada(), at(10)).unwrap_err();
        assert_eq!(refused.code(), "lab_removed");
    }
}

#[test]
fn the_view_counts_nodes_and_hides_the_saved_file() {
    let mut lab = lab(LabState::Started);
    lab.save("lab: {}".to_owned());
    let view = lab.view();

    assert_eq!(view.nodes_by_state.get("BOOTED"), Some(&1));
    assert!(view.has_saved_file);
    assert!(!serde_json::to_string(&view).unwrap().contains("lab: {}"));
}

#[test]
fn a_lab_survives_being_written_and_read() {
    let mut lab = lab(LabState::Stopped);
    lab.request(command(1), LabAction::Start, &ada(), at(5)).unwrap();
    lab.take_facts();
    let text = serde_json::to_string(&lab).unwrap();

    assert_eq!(serde_json::from_str::<Lab>(&text).unwrap(), lab);
}

proptest! {
    /// History is bounded, and facts are told exactly when something changed.
    #[test]
    fn whatever_is_seen_history_is_bounded_and_changes_are_told(states in prop::collection::vec(0..4, 0..200)) {
        let all = [LabState::DefinedOnCore, LabState::Started, LabState::Stopped, LabState::Unknown];
        let mut lab = lab(LabState::Stopped);
        for (step, state) in states.into_iter().enumerate() {
            let next = seen(all[usize::try_from(state).unwrap()]);
            let differs = next.state != lab.seen.state;
            prop_assert_eq!(lab.observe(&next, at(i64::try_from(step).unwrap())), differs);
            prop_assert_eq!(!lab.take_facts().is_empty(), differs);
            prop_assert!(lab.history.len() <= HISTORY);
            prop_assert_eq!(lab.history.last().map(|moment| moment.state), Some(next.state));
        }
    }
}
