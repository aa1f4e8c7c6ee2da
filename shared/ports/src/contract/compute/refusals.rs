//! Refusals, told apart by what the caller does about them.

use std::collections::BTreeMap;

use ccm_domain::InstanceState;

use super::{MINUTE, Outside, World, order, running, see, unknown, until};
use crate::RemoteError;

/// Only a termination is content with an unknown instance.
pub async fn actions_on_unknown_instances_are_not_found(world: &dyn World) {
    let (scope, id) = (world.scope(), unknown(1));
    let tags = BTreeMap::from([("team".to_owned(), "net".to_owned())]);

    for (action, done) in [
        ("start", world.compute().start(&scope, &id).await),
        ("stop", world.compute().stop(&scope, &id).await),
        ("tag", world.compute().tag(&scope, &id, &tags, &[]).await),
        ("monitor", world.compute().monitor(&scope, &id, true).await),
    ] {
        assert!(matches!(done, Err(RemoteError::NotFound(_))), "{action}: {done:?}");
    }
    world.compute().terminate(&scope, &id).await.unwrap();
}

/// Being asked too often is its own error.
pub async fn throttling_is_told_apart(world: &dyn World) {
    world.happens(Outside::ThrottleNext(1_000));
    let swept = world.compute().sweep(&world.scope()).await;
    let read = world
        .measure()
        .cpu(&world.scope(), &[unknown(1)], world.now().minus(10 * MINUTE), world.now())
        .await;

    assert!(matches!(swept, Err(RemoteError::Throttled(_))), "{swept:?}");
    assert!(matches!(read, Err(RemoteError::Throttled(_))), "{read:?}");
    world.happens(Outside::AllWell);
    assert_eq!(world.compute().sweep(&world.scope()).await.unwrap(), []);
}

/// A launch and a start may both find no hardware; afterwards the instance is where it was.
pub async fn missing_capacity_is_told_apart(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    world.compute().stop(&world.scope(), &id).await.unwrap();
    until(world, &id, InstanceState::Stopped).await;
    let order = order(world, "token-2").await;
    world.happens(Outside::NoCapacityNext(1_000));

    let launched = world.compute().launch(&world.scope(), &order).await;
    let started = world.compute().start(&world.scope(), &id).await;

    assert!(matches!(launched, Err(RemoteError::Capacity(_))), "{launched:?}");
    assert!(matches!(started, Err(RemoteError::Capacity(_))), "{started:?}");
    assert_eq!(see(world, &id).await.state, InstanceState::Stopped);
    world.happens(Outside::AllWell);
    world.compute().launch(&world.scope(), &order).await.unwrap();
}

/// A quota is not capacity: waiting does not help.
pub async fn a_used_up_quota_is_told_apart(world: &dyn World) {
    let order = order(world, "token-1").await;
    world.happens(Outside::QuotaNext(1_000));

    let launched = world.compute().launch(&world.scope(), &order).await;

    assert!(matches!(launched, Err(RemoteError::Quota(_))), "{launched:?}");
}

/// A missing permission concerns one action.
pub async fn denial_is_told_apart(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    world.happens(Outside::Deny("StopInstances"));

    let stopped = world.compute().stop(&world.scope(), &id).await;

    let Err(RemoteError::Denied(reason)) = stopped else { panic!("{stopped:?}") };
    assert!(reason.contains("UnauthorizedOperation"), "{reason}");
    assert_eq!(see(world, &id).await.state, InstanceState::Running);
}

/// Regions fail one by one.
pub async fn a_region_that_is_down_says_nothing_about_another(world: &dyn World) {
    world.happens(Outside::RegionDown(world.scope().region));

    let down = world.compute().sweep(&world.scope()).await;
    let up = world.compute().sweep(&world.elsewhere()).await;

    assert!(matches!(down, Err(RemoteError::Unavailable(_))), "{down:?}");
    assert_eq!(up.unwrap(), []);
}
