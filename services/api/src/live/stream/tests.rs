//! What ends a stream from outside, in paused time.

use ccm_domain::{Actor, ActorKind, Role, Timestamp};
use ccm_testkit::clock::MovedClock;

use super::*;
use crate::auth::Known;

const HOUR: Duration = Duration::from_secs(3600);
const DRAIN: Duration = Duration::from_secs(20);

fn access() -> Access {
    let actor = Actor::new(ActorKind::Person, "ada", [Role::Viewer]);
    Access::of(&Known::for_ever(actor), None, None)
}

fn ends(access: &Access, draining: &CancellationToken) -> Ends {
    let clock = MovedClock::at(Timestamp::from_millis(1_770_000_000_000));
    Ends::new(access, &clock, HOUR, draining.clone(), DRAIN)
}

async fn timed(ends: &mut Ends) -> (Farewell, Duration) {
    let began = Instant::now();
    (ends.next().await, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn streams_end_spread_around_their_age() {
    let mut ages = Vec::new();
    for _ in 0..50 {
        let (farewell, age) = timed(&mut ends(&access(), &CancellationToken::new())).await;
        assert!(matches!(farewell, Farewell::Bye("max_age", _)), "{farewell:?}");
        ages.push(age);
    }

    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(*least >= HOUR.mul_f64(0.8) && *most <= HOUR.mul_f64(1.2), "{least:?} to {most:?}");
    assert!(*most - *least > HOUR / 10, "all within {:?}", *most - *least);
}

#[tokio::test(start_paused = true)]
async fn draining_streams_end_spread_and_in_time() {
    let draining = CancellationToken::new();
    let mut all: Vec<_> = (0..50).map(|_| ends(&access(), &draining)).collect();
    draining.cancel();

    let mut waits = Vec::new();
    for one in &mut all {
        // Asked again after every frame: the wait must not begin anew.
        let _ = tokio::time::timeout(Duration::from_millis(1), one.next()).await;
        waits.push(one.drained.as_ref().map(|sleep| sleep.deadline()));
        let _ = tokio::time::timeout(Duration::from_millis(1), one.next()).await;
        assert_eq!(one.drained.as_ref().map(|sleep| sleep.deadline()), *waits.last().unwrap());
    }

    let spread: Vec<_> = all.iter().map(|one| one.drain_after).collect();
    assert!(spread.iter().all(|wait| *wait <= DRAIN.mul_f64(0.8)), "{spread:?}");
    let early = spread.iter().filter(|wait| **wait < DRAIN.mul_f64(0.4)).count();
    assert!((5..45).contains(&early), "{early} of 50 in the first half");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expires_ends_its_streams() {
    let until = Timestamp::from_millis(1_770_000_000_000).plus(Duration::from_secs(90));
    let access = Access { until: Some(until), ..access() };

    let (farewell, after) = timed(&mut ends(&access, &CancellationToken::new())).await;

    assert!(matches!(farewell, Farewell::AuthExpired("expired")), "{farewell:?}");
    assert_eq!(after, Duration::from_secs(90));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_revoked_ends_its_streams_at_once() {
    let (judge, verdict) = tokio::sync::watch::channel(None);
    let access = Access { verdict: Some(verdict), ..access() };
    let mut ends = ends(&access, &CancellationToken::new());

    judge.send_replace(Some("revoked"));

    let (farewell, after) = timed(&mut ends).await;
    assert!(matches!(farewell, Farewell::AuthExpired("revoked")), "{farewell:?}");
    assert_eq!(after, Duration::ZERO);
}
