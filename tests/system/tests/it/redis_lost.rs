//! Redis restarts, forgets everything, or is away for a minute: it is only the messenger.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::checker::EventLog;
use crate::cluster::{Cluster, Kind};
use crate::redis::command;
use crate::scene::Scene;
use crate::sse::{Manners, Why};
use crate::waiting::{eventually, within};

/// How long it may take to be whole again once Redis answers.
const REPAIR: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarted_it_is_filled_again_and_browsers_notice_nothing() {
    let plan = Cluster::plan().with(2, 1, 2).own_redis();
    let mut scene = Scene::open(plan, 12, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(200));
    scene.goes_on(5, 30).await;

    for _ in 0..2 {
        scene.cluster.redis.as_mut().unwrap().restart().await;
        let began = Instant::now();
        is_whole(&scene).await;
        println!("whole again after {:?}", began.elapsed());
        scene.goes_on(5, 30).await;
    }

    streams_stayed_open(&scene);
    scene.must_be_flawless().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_it_is_filled_again_and_browsers_notice_nothing() {
    let plan = Cluster::plan().with(2, 1, 1).own_redis();
    let mut scene = Scene::open(plan, 12, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(200));
    scene.goes_on(5, 30).await;

    for _ in 0..3 {
        scene.cluster.redis.as_ref().unwrap().flush_all().await;
        let began = Instant::now();
        is_whole(&scene).await;
        println!("whole again after {:?}", began.elapsed());
        scene.goes_on(5, 20).await;
    }

    streams_stayed_open(&scene);
    scene.must_be_flawless().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn away_for_a_minute_rest_works_and_afterwards_every_browser_has_everything_once() {
    let plan = Cluster::plan().with(2, 2, 2).faulty_lines();
    let mut scene = Scene::open(plan, 12, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    scene.goes_on(5, 30).await;
    let epoch = scene.cluster.leader(Kind::Scheduler).await.1;

    for node in &scene.cluster.nodes {
        node.lines().redis.cut();
    }
    let cut = Instant::now();
    for pod in scene.cluster.of(Kind::Api) {
        let node = &scene.cluster.nodes[pod];
        within(REPAIR, "it says that events are not heard", async || {
            let (status, parts) = node.readyz().await?;
            let events = parts["parts"]["events"].as_str().unwrap_or("ok").to_owned();
            if status == 200 && events != "ok" { Ok(()) } else { Err(format!("{status} {parts}")) }
        })
        .await;
    }
    let mut answers = 0;
    while cut.elapsed() < Duration::from_secs(60) {
        for pod in 0..2 {
            let rest = scene.cluster.rest.only(pod);
            let asked = Instant::now();
            rest.try_get("/workers").await.unwrap();
            rest.try_post("/schedules/prune/pause", &json!({})).await.unwrap();
            rest.try_post("/schedules/prune/resume", &json!({})).await.unwrap();
            let took = asked.elapsed();
            assert!(took < Duration::from_secs(5), "three requests took {took:?}");
            answers += 3;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    scene.goes_on(5, 0).await;
    streams_stayed_open(&scene);
    assert_eq!(scene.cluster.leader(Kind::Scheduler).await.1, epoch, "leadership needs no Redis");
    for node in &scene.cluster.nodes {
        node.lines().redis.restore();
    }
    let began = Instant::now();
    is_whole(&scene).await;
    println!("{answers} answers without Redis; whole again after {:?}", began.elapsed());

    scene.goes_on(5, 20).await;
    streams_stayed_open(&scene);
    scene.must_be_flawless().await;
}

/// Waits until the stream and all browsers are where the log is.
async fn is_whole(scene: &Scene) {
    let cluster = &scene.cluster;
    let head = EventLog::read(&cluster.rest, cluster.head().await.saturating_sub(1)).await.head();
    let key = format!("ccm:{{{}}}:log", cluster.namespace);
    within(REPAIR, "the stream is filled", async || {
        let last =
            command(cluster.redis_address, &["XREVRANGE", &key, "+", "-", "COUNT", "1"]).await;
        let last = last.map_err(|err| err.to_string())?;
        let Some(entry) = last.list().first() else { return Err("it is empty".to_owned()) };
        let last: u64 = entry.list()[0].text().strip_suffix("-0").unwrap().parse().unwrap();
        if last >= head { Ok(()) } else { Err(format!("it ends at {last}, the log at {head}")) }
    })
    .await;
    scene.browsers.reach(head, REPAIR).await;
    let parts = async || {
        for pod in cluster.of(Kind::Api) {
            let (status, parts) = cluster.nodes[pod].readyz().await?;
            if status != 200 || parts["parts"]["events"] != "ok" {
                return Err(parts.to_string());
            }
        }
        Ok::<_, String>(())
    };
    eventually("events are heard", parts).await;
}

/// No stream ended, but for what the test's own machine may do.
fn streams_stayed_open(scene: &Scene) {
    let closed: Vec<Why> = scene.browsers.each(|diary| diary.closed()).concat();
    assert!(closed.is_empty(), "streams ended: {closed:?}");
}
