//! Sweeps, looks, tags and images.

use std::collections::{BTreeMap, BTreeSet};

use ccm_domain::{ImageQuery, InstanceState};

use super::{Outside, World, ids, launch, running, see, unknown, until};
use crate::RemoteError;

/// Other people's doings show up with AWS's reason.
pub async fn what_happens_in_the_console_is_seen_with_its_reason(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    world.happens(Outside::ConsoleStops(id.clone()));
    let stopped = until(world, &id, InstanceState::Stopped).await;
    world.happens(Outside::ConsoleTerminates(id.clone()));
    let gone = until(world, &id, InstanceState::Terminated).await;

    for instance in [stopped, gone] {
        let reason = instance.state_reason.unwrap_or_default();
        assert!(reason.contains("User initiated"), "{reason}");
    }
}

/// One unknown id does not spoil the others.
pub async fn unknown_instances_are_left_out_of_a_look(world: &dyn World) {
    let known = launch(world, "token-1").await.id;
    launch(world, "token-2").await;

    let seen = world.compute().look(&world.scope(), &[unknown(1), known.clone()]).await.unwrap();
    let nothing = world.compute().look(&world.scope(), &[unknown(2)]).await.unwrap();
    let asked_nothing = world.compute().look(&world.scope(), &[]).await.unwrap();

    assert_eq!(ids(&seen), [known]);
    assert_eq!(nothing, []);
    assert_eq!(asked_nothing, []);
}

/// Tags survive any text, are overwritten and removed; no change is no error.
pub async fn tags_are_set_and_removed(world: &dyn World) {
    let launched = launch(world, "token-1").await;
    let (scope, id) = (world.scope(), launched.id);
    let set = BTreeMap::from([
        ("team".to_owned(), "Süd & <Nord> \"x\" + 1=1".to_owned()),
        ("empty".to_owned(), String::new()),
        ("Name".to_owned(), "renamed".to_owned()),
    ]);
    world
        .compute()
        .tag(&scope, &id, &set, &["ccm:worker".to_owned(), "absent".to_owned()])
        .await
        .unwrap();
    assert_eq!(see(world, &id).await.tags, set);

    world.compute().tag(&scope, &id, &BTreeMap::new(), &["team".to_owned()]).await.unwrap();
    world.compute().tag(&scope, &id, &BTreeMap::new(), &[]).await.unwrap();

    let left = see(world, &id).await;
    assert_eq!(left.name(), Some("renamed"));
    assert_eq!(left.tags.keys().collect::<Vec<_>>(), ["Name", "empty"]);
}

/// Images match by pattern and id; the newest comes first; none is no error.
pub async fn images_are_found_newest_first(world: &dyn World) {
    let find = async |id: Option<&str>, name: Option<&str>| {
        let query =
            ImageQuery { id: id.map(|id| id.parse().unwrap()), name: name.map(str::to_owned) };
        world.compute().find_images(&world.scope(), &query).await.unwrap()
    };
    let all = find(None, Some("cml2-*")).await;
    let dates: Vec<_> = all.iter().map(|image| image.created_at).collect();

    assert!(all.len() > 1, "{all:?}");
    assert!(dates.is_sorted_by(|a, b| a >= b) && dates[0].is_some(), "{dates:?}");
    assert_eq!(find(Some(all[1].id.as_str()), None).await, all[1..2]);
    assert_eq!(find(None, Some(&all[1].name)).await, all[1..2]);
    assert_eq!(find(Some(all[1].id.as_str()), Some("no-such-*")).await, []);
    assert_eq!(find(Some("ami-00000000000000000"), None).await, []);
}

/// A sweep is whole, however many pages it takes.
pub async fn a_sweep_returns_every_instance_once(world: &dyn World) {
    let mut launched = BTreeSet::new();
    for n in 0..23 {
        launched.insert(launch(world, &format!("token-{n}")).await.id);
    }

    let seen = world.compute().sweep(&world.scope()).await.unwrap();

    assert_eq!(seen.len(), 23);
    assert_eq!(ids(&seen).into_iter().collect::<BTreeSet<_>>(), launched);
}

/// A region knows nothing of another one.
pub async fn scopes_do_not_see_each_other(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    let elsewhere = world.elsewhere();

    let stopped = world.compute().stop(&elsewhere, &id).await;

    assert_eq!(world.compute().sweep(&elsewhere).await.unwrap(), []);
    assert!(matches!(stopped, Err(RemoteError::NotFound(_))), "{stopped:?}");
    assert_eq!(see(world, &id).await.state, InstanceState::Running);
}
