//! A relay that dies between any two steps, and relays that work at the same time.

use std::sync::Arc;

use ccm_relay::Failed;

use crate::desk::{Desk, Mishap, Way};

/// Commits and passes of one process; ends early when it dies.
async fn a_day(desk: &Desk, way: &Arc<Way>) -> Result<(), Failed> {
    let mut outlet = desk.outlet(way);
    outlet.pass().await?;
    desk.commit("a", 2).await;
    desk.commit("b", 1).await;
    outlet.pass().await?;
    desk.commit("a", 1).await;
    desk.commit("c", 2).await;
    desk.commit("a", 1).await;
    outlet.pass().await?;
    outlet.pass().await?;
    outlet.pass().await?;
    Ok(())
}

#[tokio::test]
async fn a_relay_may_die_before_or_after_any_step() {
    let quiet = Arc::default();
    a_day(&Desk::new(), &quiet).await.unwrap();
    let calls = quiet.calls();
    assert!(calls > 20, "{calls} calls are too few to tell");

    for at in 0..calls {
        for after in [false, true] {
            let (desk, mishap) = (Desk::new(), Mishap { at, after });
            let died = a_day(&desk, &Way::dies(mishap)).await.is_err();
            assert!(died, "{mishap:?}");

            desk.settle().await;

            desk.must_have_told_everything(&format!("{mishap:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_relay_may_die_again_and_again() {
    // Each life ends a little later than the one before; none reaches the end of the day's work at first.
    let desk = Desk::new();
    for note in ["a", "b", "c", "a", "b", "a"] {
        desk.commit(note, 2).await;
    }
    for at in 0..40 {
        let way = Way::dies(Mishap { at: at / 2, after: at % 2 == 1 });
        let mut outlet = desk.outlet(&way);
        while outlet.pass().await.is_ok_and(|told| told.taken > 0) {}
    }

    desk.settle().await;

    desk.must_have_told_everything("many lives").await;
}

#[tokio::test]
async fn two_relays_at_once_over_bad_ways_only_repeat_each_other() {
    let mut deposed = 0;
    for seed in 0..60 {
        let desk = Desk::new();
        let relay = async |way: Arc<Way>| {
            let mut deposed = 0;
            let mut outlet = desk.outlet(&way);
            for _ in 0..40 {
                match outlet.pass().await {
                    Ok(_) | Err(Failed::Store(_) | Failed::Bus(_)) => {}
                    Err(Failed::Deposed) => {
                        deposed += 1;
                        outlet = desk.outlet(&way);
                    }
                }
            }
            deposed
        };
        let commits = async {
            for nth in 0..30 {
                desk.commit(["a", "b", "c"][nth % 3], 1 + nth % 2).await;
                tokio::task::yield_now().await;
            }
        };

        let (one, other, ()) =
            tokio::join!(relay(Way::random(seed)), relay(Way::random(1000 + seed)), commits);

        deposed += one + other;
        desk.settle().await;
        desk.must_have_told_everything(&format!("seed {seed}")).await;
    }
    assert!(deposed > 0, "the relays never met");
}
