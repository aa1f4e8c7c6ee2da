//! What goes wrong, and what it is called.

use super::{Outside, World, labs};
use crate::RemoteError;

/// A controller that hangs costs the adapter's patience, not more.
pub async fn an_answer_that_does_not_come_is_unavailable(world: &dyn World) {
    world.happens(Outside::Hangs);

    let error = world.api().facts(&world.at()).await.unwrap_err();

    assert!(matches!(error, RemoteError::Unavailable(_)), "{error:?}");
    world.happens(Outside::AllWell);
    labs(world).await;
}

/// A connection that breaks is like none.
pub async fn a_broken_connection_is_unavailable(world: &dyn World) {
    labs(world).await;
    world.happens(Outside::Unreachable);

    let error = world.api().labs(&world.at()).await.unwrap_err();

    assert!(matches!(error, RemoteError::Unavailable(_)), "{error:?}");
    world.happens(Outside::AllWell);
    labs(world).await;
}

/// What cannot be understood is not taken for an empty answer.
pub async fn an_answer_that_makes_no_sense_is_unexpected(world: &dyn World) {
    labs(world).await;
    world.happens(Outside::Lies);

    for error in [
        world.api().facts(&world.at()).await.unwrap_err(),
        world.api().labs(&world.at()).await.unwrap_err(),
        world.api().load(&world.at()).await.unwrap_err(),
        world.api().license(&world.at()).await.unwrap_err(),
        world.api().telemetry(&world.at()).await.unwrap_err(),
    ] {
        assert!(matches!(error, RemoteError::Unexpected(_)), "{error:?}");
    }
    world.happens(Outside::AllWell);
    labs(world).await;
}

/// 500 is the controller's trouble and may pass.
pub async fn an_inner_error_may_pass(world: &dyn World) {
    labs(world).await;
    world.happens(Outside::Fails);

    let error = world.api().labs(&world.at()).await.unwrap_err();

    assert!(error.is_transient(), "{error:?}");
    world.happens(Outside::AllWell);
    labs(world).await;
}

/// A token that is refused again and again is a matter of permission, until it is not.
pub async fn a_refused_login_is_denied_and_forgiven(world: &dyn World) {
    world.happens(Outside::TokensRefused);

    let error = world.api().labs(&world.at()).await.unwrap_err();

    assert!(matches!(error, RemoteError::Denied(_)), "{error:?}");
    assert!(!error.is_transient());
    world.happens(Outside::AllWell);
    labs(world).await;
}

/// A token that counts no more is replaced without anybody noticing.
pub async fn ended_sessions_are_not_noticed(world: &dyn World) {
    let before = labs(world).await;
    world.happens(Outside::SessionsEnd);

    assert_eq!(labs(world).await, before);
}
