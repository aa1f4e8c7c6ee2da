//! Power, boot, readiness.

use ccm_domain::cml::{LabAction, LabState, Registration};

use super::{LONG, Outside, SECOND, World, first_lab, lab, labs, until_ready};
use crate::RemoteError;

/// Without power every call fails in a way that may pass by itself.
pub async fn a_controller_without_power_does_not_answer(world: &dyn World) {
    world.happens(Outside::PowerOff);

    for error in [
        world.api().facts(&world.at()).await.unwrap_err(),
        world.api().labs(&world.at()).await.unwrap_err(),
        world.api().license(&world.at()).await.unwrap_err(),
    ] {
        assert!(matches!(error, RemoteError::Unavailable(_)), "{error:?}");
        assert!(error.is_transient());
    }
}

/// A boot shows silence, then an answer that says "not ready", then "ready"; never anything else.
pub async fn a_boot_goes_from_silence_over_not_ready_to_ready(world: &dyn World) {
    world.happens(Outside::PowerOff);
    world.happens(Outside::PowerOn);

    let mut seen = Vec::new();
    for _ in 0..LONG {
        let now = match world.api().facts(&world.at()).await {
            Err(RemoteError::Unavailable(_)) => "silence",
            Err(other) => panic!("{other:?}"),
            Ok(facts) if facts.ready => "ready",
            Ok(_) => "not ready",
        };
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        world.pass(SECOND);
    }

    assert_eq!(seen, ["silence", "not ready", "ready"]);
}

/// A power cycle keeps labs with their disks and the licence; nothing runs afterwards.
pub async fn labs_and_licence_survive_a_power_cycle_but_nothing_runs(world: &dyn World) {
    let before = first_lab(world).await;
    world.api().act(&world.at(), &before.id, LabAction::Start).await.unwrap();
    world.api().register(&world.at(), &"good-token".to_owned().into(), false).await.unwrap();
    world.pass(60 * SECOND);

    world.happens(Outside::PowerOff);
    world.pass(60 * SECOND);
    world.happens(Outside::PowerOn);
    until_ready(world).await;

    let after = lab(world, &before.id).await;
    assert_eq!(after.state, LabState::Stopped);
    assert_eq!(after.links, before.links);
    assert!(after.nodes.iter().all(|node| node.state == "STOPPED"), "{after:?}");
    assert_eq!(world.api().load(&world.at()).await.unwrap().running_nodes, 0);
    let license = world.api().license(&world.at()).await.unwrap();
    assert_eq!(license.registration, Registration::Completed);
}

/// Who is there is told to anybody.
pub async fn facts_need_no_login(world: &dyn World) {
    world.happens(Outside::TokensRefused);

    let facts = world.api().facts(&world.at()).await.unwrap();

    assert!(facts.ready);
    assert!(facts.version.starts_with("2."), "{facts:?}");
    let error = world.api().labs(&world.at()).await.unwrap_err();
    assert!(matches!(error, RemoteError::Denied(_)), "{error:?}");
    world.happens(Outside::AllWell);
    assert!(!labs(world).await.is_empty());
}
