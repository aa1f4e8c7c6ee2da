//! Start, stop, terminate.

use ccm_domain::{InstanceState, StatusCheck};

use super::{MINUTE, Outside, World, launch, running, see, until};
use crate::RemoteError;

/// Stopping and starting take time; the public address goes and comes back as another one.
pub async fn a_stop_and_a_start_walk_through_the_states_and_change_the_address(world: &dyn World) {
    let first = running(world, "token-1").await;
    world.compute().stop(&world.scope(), &first.id).await.unwrap();
    assert_eq!(see(world, &first.id).await.state, InstanceState::Stopping);
    let stopped = until(world, &first.id, InstanceState::Stopped).await;
    assert_eq!(stopped.public_ip, None);
    assert_eq!(stopped.system_check, StatusCheck::NotApplicable);
    let reason = stopped.state_reason.unwrap_or_default();
    assert!(reason.starts_with("Client.UserInitiatedShutdown"), "{reason}");

    world.compute().start(&world.scope(), &first.id).await.unwrap();

    assert_eq!(see(world, &first.id).await.state, InstanceState::Pending);
    let again = until(world, &first.id, InstanceState::Running).await;
    assert_ne!(again.public_ip, first.public_ip);
    assert_eq!(again.private_ip, first.private_ip);
    assert!(again.launched_at > first.launched_at);
    assert_eq!(again.state_reason, None);
}

/// What is so already is no error.
pub async fn starting_and_stopping_twice_is_harmless(world: &dyn World) {
    let id = running(world, "token-1").await.id;

    world.compute().start(&world.scope(), &id).await.unwrap();
    world.compute().stop(&world.scope(), &id).await.unwrap();
    world.compute().stop(&world.scope(), &id).await.unwrap();
    until(world, &id, InstanceState::Stopped).await;
    world.compute().stop(&world.scope(), &id).await.unwrap();
    world.compute().start(&world.scope(), &id).await.unwrap();
    world.compute().start(&world.scope(), &id).await.unwrap();

    until(world, &id, InstanceState::Running).await;
}

/// A transition has to end first; a dead instance never starts.
pub async fn an_instance_in_transition_refuses_the_opposite(world: &dyn World) {
    let launched = launch(world, "token-1").await;
    let pending = world.compute().stop(&world.scope(), &launched.id).await;
    until(world, &launched.id, InstanceState::Running).await;
    world.compute().stop(&world.scope(), &launched.id).await.unwrap();
    let stopping = world.compute().start(&world.scope(), &launched.id).await;
    world.compute().terminate(&world.scope(), &launched.id).await.unwrap();
    let dying = world.compute().start(&world.scope(), &launched.id).await;

    for refused in [pending, stopping, dying] {
        assert!(matches!(refused, Err(RemoteError::Conflict(_))), "{refused:?}");
    }
}

/// Termination ends in being shown for about an hour and then forgotten; repeating it is harmless all the way.
pub async fn a_terminated_instance_is_shown_for_a_while_and_then_unknown(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    world.compute().terminate(&world.scope(), &id).await.unwrap();
    assert_eq!(see(world, &id).await.state, InstanceState::ShuttingDown);
    until(world, &id, InstanceState::Terminated).await;
    world.compute().terminate(&world.scope(), &id).await.unwrap();
    world.pass(30 * MINUTE);
    assert_eq!(see(world, &id).await.state, InstanceState::Terminated);

    world.pass(60 * MINUTE);

    assert_eq!(world.compute().sweep(&world.scope()).await.unwrap(), []);
    world.compute().terminate(&world.scope(), &id).await.unwrap();
}

/// Termination protection is a state that a person has to end.
pub async fn a_protected_instance_is_not_terminated(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    world.happens(Outside::ConsoleProtects(id.clone()));

    let refused = world.compute().terminate(&world.scope(), &id).await;

    assert!(matches!(refused, Err(RemoteError::Conflict(_))), "{refused:?}");
    assert_eq!(see(world, &id).await.state, InstanceState::Running);
}
