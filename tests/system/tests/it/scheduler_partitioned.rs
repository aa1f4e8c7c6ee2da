//! The leading scheduler is cut off: from the store it must stop, from Redis it need not.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::throughout;

/// Trust ends this long after the last renewal; the rest is for a busy machine.
const TRUST: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_store_it_stops_acting_within_4_s_and_another_leads() {
    let manners = Manners { keep_moments: true, ..Manners::default() };
    let plan = Cluster::plan().with(1, 2, 1).faulty_lines();
    let mut scene = Scene::open(plan, 6, &manners).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    scene.goes_on(5, 20).await;

    for (round, silent) in [(1, true), (2, false)] {
        let (leader, epoch) = scene.cluster.leader(Kind::Scheduler).await;
        let lines = scene.cluster.nodes[leader].lines();
        let calls = lines.aws.as_ref().unwrap();
        if silent {
            lines.mongo.black_hole()
        } else {
            lines.mongo.cut()
        }
        let lost = Instant::now();

        let (lead, took) = scene.cluster.next_leader(Kind::Scheduler, epoch, lost).await;
        // Since when it has asked nothing of the world.
        let acted = lost.elapsed().saturating_sub(calls.quiet_for().unwrap());
        println!("round {round}: acted for {acted:?}, the next leader after {took:?}");
        assert!(acted <= TRUST, "{acted:?}");
        assert!(took <= Duration::from_secs(8), "{took:?}");
        assert_eq!(lead.epoch, epoch + 1);
        scene.goes_on(5, 20).await;
        scene.cluster.nodes[leader].lines().mongo.restore();
        scene.cluster.all_ready().await;
        scene.goes_on(5, 20).await;
        assert_eq!(
            scene.cluster.leader(Kind::Scheduler).await.1,
            epoch + 1,
            "it does not lead again"
        );
    }

    let log = scene.must_be_flawless().await;
    assert_eq!(log.terms("scheduler").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_it_goes_on_leading() {
    let plan = Cluster::plan().with(1, 2, 1).faulty_lines();
    let mut scene = Scene::open(plan, 6, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    let (leader, epoch) = scene.cluster.leader(Kind::Scheduler).await;
    for silent in [true, false] {
        let redis = &scene.cluster.nodes[leader].lines().redis;
        if silent {
            redis.black_hole()
        } else {
            redis.cut()
        }

        throughout(Duration::from_secs(10), "it leads", async || {
            match scene.cluster.lead(Kind::Scheduler).await {
                Some(lead) if lead.epoch == epoch => Ok(()),
                other => Err(other),
            }
        })
        .await;
        scene.runs_on("observe_instances", 1).await;
        scene.goes_on(5, 10).await;
        scene.cluster.nodes[leader].lines().redis.restore();
    }

    let log = scene.must_be_flawless().await;
    assert_eq!(log.terms("scheduler").len(), 1);
}
