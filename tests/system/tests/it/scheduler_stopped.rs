//! The leading scheduler hangs for three lease times in the middle of an effect, and then goes on.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::eventually;
use serde_json::json;

/// What is in a write of one worker and in nothing else, in BSON: the collection, and a revision to be matched.
/// The seal, which is repeated with every sweep, matches no revision.
const WRITE_OF_A_WORKER: &[&[u8]] = &[b"\x02update\0\x08\0\0\0workers\0", b"\x12rev\0"];

const LEASE: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_still_writes_is_refused_and_counted_and_nothing_is_doubled() {
    let manners = Manners { keep_moments: true, ..Manners::default() };
    let plan = Cluster::plan().with(1, 2, 1).faulty_lines();
    let mut scene = Scene::open(plan, 6, &manners).await;
    let (leader, epoch) = scene.cluster.leader(Kind::Scheduler).await;
    assert_eq!(scene.cluster.node(leader).metric("ccm_fenced_writes_total").await, 0.0);

    // Its launches take a second; what it then writes of a worker is sent in time, and held by the network.
    scene.cluster.aws.faults(&json!({"delay_ms": 20_000})).await;
    let (launched, asked) = (launches(&scene).await, asked(&scene).await);
    for nth in 0..4 {
        scene.create(&format!("stopped-{nth}")).await;
    }
    eventually("a launch is under way", async || {
        let now = self::asked(&scene).await;
        if now > asked { Ok(()) } else { Err(now) }
    })
    .await;
    let line = &scene.cluster.nodes[leader].lines().mongo;
    line.hold_requests_from(WRITE_OF_A_WORKER);
    eventually("a launch was made and is being noted", async || {
        let now = launches(&scene).await;
        if now > launched && line.holds_requests() { Ok(()) } else { Err(now) }
    })
    .await;
    scene.cluster.node(leader).process.stop();
    let stopped = Instant::now();

    let (lead, took) = scene.cluster.next_leader(Kind::Scheduler, epoch, stopped).await;
    println!("the next leader after {took:?}");
    assert_eq!(lead.epoch, epoch + 1);
    assert!(took <= Duration::from_secs(8), "{took:?}");
    scene.runs_on("observe_instances", 1).await;
    tokio::time::sleep((3 * LEASE).saturating_sub(stopped.elapsed())).await;
    scene.cluster.aws.no_faults().await;
    scene.cluster.node(leader).lines().mongo.restore();
    scene.cluster.node(leader).process.cont();

    eventually("its write is refused and counted", async || {
        let refused = scene.cluster.nodes[leader].metric("ccm_fenced_writes_total").await;
        if refused >= 1.0 { Ok(()) } else { Err(refused) }
    })
    .await;
    let refused = scene.cluster.node(leader).metric("ccm_fenced_writes_total").await;
    println!("refused: {refused}");
    scene.runs_on("observe_instances", 2).await;
    assert_eq!(scene.cluster.leader(Kind::Scheduler).await.1, epoch + 1, "it does not lead again");
    let log = scene.must_be_flawless().await;
    assert_eq!(log.terms("scheduler").len(), 2);
}

async fn asked(scene: &Scene) -> u64 {
    scene.cluster.aws.get("calls").await["RunInstances"].as_u64().unwrap_or(0)
}

async fn launches(scene: &Scene) -> usize {
    scene.cluster.aws.get("ledger").await.as_array().unwrap().len()
}
