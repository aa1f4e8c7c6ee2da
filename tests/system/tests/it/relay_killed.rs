//! The leading relay is killed: what is committed waits in its documents.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_one_goes_on_at_the_same_number() {
    let mut scene = Scene::open(Cluster::plan().with(2, 1, 2), 10, &Manners::default()).await;
    scene.let_people_ask(4, Duration::from_millis(100));
    scene.goes_on(10, 50).await;

    for round in 1..=2 {
        let (leader, epoch) = scene.cluster.leader(Kind::Relay).await;
        scene.cluster.node(leader).process.kill().await;
        let killed = Instant::now();
        // REST goes on, and nothing of it is told: it waits.
        eventually("changes wait", async || {
            let events = scene.cluster.rest.get("/system").await["events"].clone();
            if events["backlog"].as_u64() > Some(5) { Ok(()) } else { Err(events) }
        })
        .await;
        let (lead, took) = scene.cluster.next_leader(Kind::Relay, epoch, killed).await;
        println!("round {round}: the next relay after {took:?}");
        assert_eq!(lead.epoch, epoch + 1);
        assert!(took <= Duration::from_secs(8), "{took:?}");
        scene.cluster.node(leader).process.start_again();
        scene.cluster.all_ready().await;
        scene.goes_on(5, 20).await;
    }

    let log = scene.must_be_flawless().await;
    assert_eq!(log.terms("relay").len(), 3);
}
