//! Launches: once per token, in EC2's stages.

use ccm_domain::{ImageId, InstanceState, StatusCheck};

use super::{MINUTE, Outside, World, ids, launch, order, see, until};
use crate::{LaunchOrder, RemoteError};

/// A launch leads to a running instance with addresses and passed checks, by EC2's stages.
pub async fn a_launched_instance_boots_and_passes_its_checks(world: &dyn World) {
    let order = order(world, "token-1").await;
    let launched = world.compute().launch(&world.scope(), &order).await.unwrap();

    assert_eq!(launched.state, InstanceState::Pending);
    assert_eq!(launched.image_id.as_ref(), Some(&order.image));
    assert_eq!(launched.instance_type, order.instance_type);
    assert_eq!(launched.tags, order.tags);
    assert_eq!(launched.client_token.as_deref(), Some("token-1"));
    let running = until(world, &launched.id, InstanceState::Running).await;
    assert_eq!(running.system_check, StatusCheck::Initializing);
    assert!(running.public_ip.is_some() && running.private_ip.is_some(), "{running:?}");
    world.pass(3 * MINUTE);
    let booted = see(world, &launched.id).await;
    assert_eq!((booted.system_check, booted.instance_check), (StatusCheck::Ok, StatusCheck::Ok));
    assert_eq!(booted.launched_at, launched.launched_at);
}

/// A repeated order finds the instance of the first one.
pub async fn the_same_token_never_launches_twice(world: &dyn World) {
    let order = order(world, "token-1").await;
    let first = world.compute().launch(&world.scope(), &order).await.unwrap();
    world.pass(MINUTE);

    let second = world.compute().launch(&world.scope(), &order).await.unwrap();

    assert_eq!(second.id, first.id);
    assert_eq!(world.compute().sweep(&world.scope()).await.unwrap().len(), 1);
}

/// After an answer that got lost, the same order finds the instance that was launched.
pub async fn a_lost_answer_is_repeated_without_a_second_instance(world: &dyn World) {
    let order = order(world, "token-1").await;
    world.happens(Outside::LaunchAnswerLostNext(1));
    let lost = world.compute().launch(&world.scope(), &order).await;

    let found = world.compute().launch(&world.scope(), &order).await.unwrap();

    assert!(matches!(lost, Err(RemoteError::Unavailable(_))), "{lost:?}");
    let all = world.compute().sweep(&world.scope()).await.unwrap();
    assert_eq!(ids(&all), [found.id]);
}

/// A token belongs to its parameters.
pub async fn a_token_with_other_parameters_is_refused(world: &dyn World) {
    let order = order(world, "token-1").await;
    world.compute().launch(&world.scope(), &order).await.unwrap();

    let other = LaunchOrder { instance_type: "c5.4xlarge".parse().unwrap(), ..order };
    let refused = world.compute().launch(&world.scope(), &other).await;

    assert!(matches!(refused, Err(RemoteError::Invalid(_))), "{refused:?}");
    assert_eq!(world.compute().sweep(&world.scope()).await.unwrap().len(), 1);
}

/// An instance that never runs ends as terminated and says why.
pub async fn a_launch_that_dies_is_terminated_with_a_reason(world: &dyn World) {
    world.happens(Outside::LaunchDiesNext(1));
    let launched = launch(world, "token-1").await;

    let dead = until(world, &launched.id, InstanceState::Terminated).await;

    let reason = dead.state_reason.unwrap_or_default();
    assert!(reason.starts_with("Server.InternalError"), "{reason}");
}

/// A wrong image is the order's fault.
pub async fn an_unknown_image_cannot_be_launched(world: &dyn World) {
    let image: ImageId = "ami-00000000000000000".parse().unwrap();
    let order = LaunchOrder { image, ..order(world, "token-1").await };

    let refused = world.compute().launch(&world.scope(), &order).await;

    assert!(matches!(refused, Err(RemoteError::NotFound(_))), "{refused:?}");
}
