//! The leading scheduler is killed in the middle of its work, and later one hands over in order.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::eventually;

/// What the issue promises: a crash, and a clean hand-over.
const AFTER_A_CRASH: Duration = Duration::from_secs(8);
const AFTER_A_HAND_OVER: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_one_leads_within_8_s_and_loses_and_doubles_nothing() {
    let manners = Manners { keep_moments: true, ..Manners::default() };
    let mut scene = Scene::open(Cluster::plan().with(1, 3, 1), 6, &manners).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    scene.goes_on(5, 20).await;

    // Launches that take a second each, so that the kill hits one whose answer is not there yet.
    scene.cluster.aws.faults(&json!({"delay_ms": 20_000})).await;
    let launched = scene.cluster.aws.get("calls").await["RunInstances"].as_u64().unwrap_or(0);
    for nth in 0..3 {
        scene.create(&format!("cut-off-{nth}")).await;
    }
    eventually("a launch is under way", async || {
        let calls = scene.cluster.aws.get("calls").await["RunInstances"].as_u64().unwrap_or(0);
        if calls > launched { Ok(()) } else { Err(calls) }
    })
    .await;
    let (leader, epoch) = scene.cluster.leader(Kind::Scheduler).await;
    scene.cluster.node(leader).process.kill().await;
    let killed = Instant::now();

    let (lead, took) = scene.cluster.next_leader(Kind::Scheduler, epoch, killed).await;
    println!("after a crash: {took:?}");
    scene.cluster.aws.no_faults().await;
    assert_eq!(lead.epoch, epoch + 1);
    assert!(took <= AFTER_A_CRASH, "{took:?}");
    scene.goes_on(5, 20).await;

    let (leader, epoch) = scene.cluster.leader(Kind::Scheduler).await;
    let began = Instant::now();
    let hand_over = scene.cluster.node(leader).process.term(Duration::from_secs(25));
    let status = hand_over.await;
    let ended = Instant::now();
    assert!(status.success(), "{status}");
    let (lead, took) = scene.cluster.next_leader(Kind::Scheduler, epoch, ended).await;
    println!("drained in {:?}, handed over within {took:?}", ended - began);
    assert_eq!(lead.epoch, epoch + 1);
    assert!(took <= AFTER_A_HAND_OVER, "{took:?}");
    scene.runs_on("observe_instances", 2).await;

    let log = scene.must_be_flawless().await;
    assert_eq!(log.terms("scheduler").len(), 3);
}
