//! Labs: seeing, acting, importing, downloading.

use ccm_domain::LabId;
use ccm_domain::cml::{LabAction, LabSeen, LabState};

use super::{SECOND, TOPOLOGY, World, first_lab, lab, labs, until_booted};
use crate::RemoteError;

/// Labs of all users are listed, each link between two of the lab's own nodes.
pub async fn labs_are_seen_with_nodes_positions_and_links(world: &dyn World) {
    let labs = labs(world).await;

    assert!(!labs.is_empty());
    for lab in &labs {
        assert!(!lab.title.is_empty() && lab.owner.is_some(), "{lab:?}");
        assert_eq!(lab.state, LabState::DefinedOnCore);
        assert!(lab.created_at.is_some() && lab.created_at <= lab.modified_at, "{lab:?}");
        assert!(lab.nodes.len() >= 2 && !lab.links.is_empty(), "{lab:?}");
        let known = |id: &str| lab.nodes.iter().any(|node| node.id == id);
        assert!(lab.links.iter().all(|link| known(&link.a) && known(&link.b)), "{lab:?}");
        let mut places: Vec<_> = lab.nodes.iter().map(|node| (node.x, node.y)).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), lab.nodes.len(), "nodes lie on each other: {lab:?}");
    }
}

/// The list and the single look agree.
pub async fn one_lab_is_seen_as_in_the_list(world: &dyn World) {
    for listed in labs(world).await {
        assert_eq!(lab(world, &listed.id).await, listed);
    }
}

/// Nodes go from queued over started to booted, and cost memory and CPU while they run.
pub async fn a_started_lab_boots_and_loads_the_controller(world: &dyn World) {
    let id = first_lab(world).await.id;
    let before = world.api().load(&world.at()).await.unwrap();

    world.api().act(&world.at(), &id, LabAction::Start).await.unwrap();

    let queued = lab(world, &id).await;
    assert_eq!(queued.state, LabState::Started);
    assert!(queued.nodes.iter().any(|node| node.state == "QUEUED"), "{queued:?}");
    let booted = until_booted(world, &id).await;
    let after = world.api().load(&world.at()).await.unwrap();
    assert_eq!(usize::try_from(after.running_nodes).unwrap(), booted.nodes.len());
    assert!(after.nodes >= after.running_nodes && after.nodes == before.nodes);
    assert!(after.memory > before.memory, "{before:?} {after:?}");
    assert!(after.healthy && before.healthy);
    for percent in [after.cpu, after.memory, after.disk] {
        assert!(percent.is_some_and(|percent| (0.0..=100.0).contains(&percent)), "{after:?}");
    }
}

/// Only a stopped lab is wiped, only a wiped lab is removed; refusals change nothing.
pub async fn the_order_of_lab_actions_is_kept(world: &dyn World) {
    let id = first_lab(world).await.id;
    let count = labs(world).await.len();
    let at = world.at();
    let act = |action| world.api().act(&at, &id, action);
    act(LabAction::Start).await.unwrap();
    world.pass(SECOND);

    for (state, refused) in [
        (LabState::Started, vec![LabAction::Wipe, LabAction::Delete]),
        (LabState::Stopped, vec![LabAction::Delete]),
    ] {
        if state == LabState::Stopped {
            act(LabAction::Stop).await.unwrap();
        }
        for action in refused {
            let error = act(action).await.unwrap_err();
            assert!(matches!(error, RemoteError::Conflict(_)), "{action:?}: {error:?}");
            assert_eq!(lab(world, &id).await.state, state, "after refusing {action:?}");
        }
    }
    act(LabAction::Wipe).await.unwrap();
    assert_eq!(lab(world, &id).await.state, LabState::DefinedOnCore);
    act(LabAction::Delete).await.unwrap();

    assert_eq!(labs(world).await.len(), count - 1);
    let error = act(LabAction::Delete).await.unwrap_err();
    assert!(matches!(error, RemoteError::NotFound(_)), "{error:?}");
}

/// Starting twice, stopping twice and wiping twice do no harm.
pub async fn an_action_on_what_is_so_already_is_harmless(world: &dyn World) {
    let id = first_lab(world).await.id;
    for (action, state) in [
        (LabAction::Stop, LabState::DefinedOnCore),
        (LabAction::Start, LabState::Started),
        (LabAction::Stop, LabState::Stopped),
        (LabAction::Wipe, LabState::DefinedOnCore),
    ] {
        for _ in 0..2 {
            world.api().act(&world.at(), &id, action).await.unwrap();
            world.pass(SECOND);
            assert_eq!(lab(world, &id).await.state, state, "{action:?}");
        }
    }
}

/// Nodes and links.
type Shape<'a> = (Vec<(&'a str, &'a str, i32, i32)>, Vec<(&'a str, &'a str)>);

/// A shape without ids: labels, definitions and places, and links by labels.
fn shape(lab: &LabSeen) -> Shape<'_> {
    let label = |id: &str| {
        lab.nodes.iter().find(|node| node.id == id).map_or("?", |node| node.label.as_str())
    };
    let nodes = lab
        .nodes
        .iter()
        .map(|node| (node.label.as_str(), node.definition.as_str(), node.x, node.y))
        .collect();
    let links = lab.links.iter().map(|link| (label(&link.a), label(&link.b))).collect();
    (nodes, links)
}

/// Every lab makes the round trip with its title, nodes, places and links.
pub async fn what_is_downloaded_can_be_imported_again(world: &dyn World) {
    for original in labs(world).await {
        let yaml = world.api().download_lab(&world.at(), &original.id).await.unwrap();

        let id = world.api().import_lab(&world.at(), &yaml).await.unwrap();

        let copy = lab(world, &id).await;
        assert_ne!(copy.id, original.id);
        assert_eq!((&copy.title, &copy.description), (&original.title, &original.description));
        assert_eq!(shape(&copy), shape(&original));
        assert_eq!(copy.state, LabState::DefinedOnCore);
    }
}

/// Texts with colons, quotes and line breaks arrive as they were sent.
pub async fn an_import_keeps_texts_tags_and_configurations(world: &dyn World) {
    let id = world.api().import_lab(&world.at(), TOPOLOGY).await.unwrap();

    let seen = lab(world, &id).await;
    assert_eq!(seen.title, "Two hosts");
    assert_eq!(seen.description, "one line: with a colon");
    assert_eq!(
        shape(&seen),
        (
            vec![("left", "alpine", -120, 40), ("right", "alpine", 120, -40)],
            vec![("left", "right")]
        )
    );
    let once = world.api().download_lab(&world.at(), &id).await.unwrap();
    for text in ["a comment with \"quotes\" and 'more'", "hostname right", "node.cfg", "lane"] {
        assert!(once.contains(text), "{text} is missing in {once}");
    }
    let again = world.api().import_lab(&world.at(), &once).await.unwrap();
    assert_eq!(world.api().download_lab(&world.at(), &again).await.unwrap(), once);
}

/// What is no topology is refused with a reason and leaves nothing behind.
pub async fn what_is_no_topology_is_invalid(world: &dyn World) {
    let count = labs(world).await.len();
    let dangling = "lab: {title: x}\nnodes: []\nlinks: [{id: l0, n1: n0, i1: i0, n2: n1, i2: i0}]";
    for text in ["", "just text", "lab: [", "nodes: 3", dangling] {
        let error = world.api().import_lab(&world.at(), text).await.unwrap_err();
        assert!(matches!(&error, RemoteError::Invalid(why) if !why.is_empty()), "{error:?}");
    }
    assert_eq!(labs(world).await.len(), count);
}

/// Every call about a lab says so when there is none.
pub async fn an_unknown_lab_is_not_found(world: &dyn World) {
    for id in ["7f5b0a2e-0000-4000-8000-000000000000", "no-such-lab"] {
        let id: LabId = id.parse().unwrap();
        let mut errors = vec![
            world.api().lab(&world.at(), &id).await.unwrap_err(),
            world.api().download_lab(&world.at(), &id).await.unwrap_err(),
        ];
        for action in [LabAction::Start, LabAction::Stop, LabAction::Wipe, LabAction::Delete] {
            errors.push(world.api().act(&world.at(), &id, action).await.unwrap_err());
        }
        for error in errors {
            assert!(matches!(error, RemoteError::NotFound(_)), "{error:?}");
        }
    }
}
