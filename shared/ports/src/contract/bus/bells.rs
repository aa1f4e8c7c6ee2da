//! Hints.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use super::{World, next};
use crate::Chime;

/// A ring is no token that one of them takes.
pub async fn a_bell_is_heard_by_all_who_listen(world: &dyn World) {
    let mut one = world.bell().listen(Chime::Outbox).await;
    let mut other = world.bell().listen(Chime::Outbox).await;

    world.bell().ring(Chime::Outbox).await;

    next(&mut one).await;
    next(&mut other).await;
}

/// Chimes are apart.
pub async fn a_chime_is_heard_by_those_who_listen_for_it(world: &dyn World) {
    let mut outbox = world.bell().listen(Chime::Outbox).await;
    let mut commands = world.bell().listen(Chime::Commands).await;

    world.bell().ring(Chime::Lease).await;
    world.bell().ring(Chime::Commands).await;

    next(&mut commands).await;
    assert!(outbox.next().now_or_never().is_none(), "heard another chime");
}

/// Whoever listens looks first.
pub async fn a_ring_before_listening_is_not_heard(world: &dyn World) {
    world.bell().ring(Chime::Lease).await;

    let mut late = world.bell().listen(Chime::Lease).await;

    assert!(late.next().now_or_never().is_none(), "heard an old ring");
    world.bell().ring(Chime::Lease).await;
    next(&mut late).await;
}

/// Rings may be folded, and never pile up without end.
pub async fn many_rings_are_heard_at_least_once(world: &dyn World) {
    let mut listener = world.bell().listen(Chime::Outbox).await;
    for _ in 0..10_000 {
        world.bell().ring(Chime::Outbox).await;
    }

    next(&mut listener).await;

    // However many are left, they come to an end.
    let quiet = Duration::from_millis(200);
    while let Ok(rung) = tokio::time::timeout(quiet, listener.next()).await {
        assert!(rung.is_some(), "the bell ended");
    }
}
