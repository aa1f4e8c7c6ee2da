//! AWS throttles, or a region is down.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::{eventually, throughout};

const UP: &str = "eu-central-1";
const DOWN: &str = "us-east-1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_all_calls_are_throttled_and_everything_is_done_all_the_same() {
    let mut scene = Scene::open(Cluster::plan().with(1, 2, 1), 6, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    scene.goes_on(5, 20).await;

    scene.cluster.aws.faults(&json!({"throttle_share": 0.5})).await;
    for nth in 0..3 {
        scene.create(&format!("throttled-{nth}")).await;
    }
    scene.goes_on(20, 80).await;
    scene.runs_on("observe_instances", 3).await;
    scene.cluster.aws.no_faults().await;

    let (mut verdict, cluster) = scene.judge().await;
    // Looking at a worker at once is tried twice, and then its run says why not; the next sweep looks anyway.
    verdict.findings.expect("run given up", |run| {
        run.contains("\"job\":\"refresh_worker\"") && run.contains("\"code\":\"throttled\"")
    });
    verdict.findings.must_be_none();
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_region_is_down_and_the_other_is_watched_as_before() {
    let plan = Cluster::plan().with(1, 2, 1).workers(8);
    let scene = Scene::open(plan, 6, &Manners::default()).await;
    let [up, down] = [running_in(&scene, UP).await, running_in(&scene, DOWN).await];

    scene.cluster.aws.faults(&json!({"regions_down": [DOWN]})).await;
    let seen = seen_at(&scene, &down).await;
    // A person stops both instances in the console.
    for worker in [&up, &down] {
        let target = json!({"instance_id": worker["instance_id"]});
        scene.cluster.aws.post("/_sim/stop", &target).await;
    }

    is_seen_stopped(&scene, &up).await;
    throughout(Duration::from_secs(6), "what nobody can see is not claimed", async || {
        let now = worker(&scene, &down).await;
        let as_before = now["state"] == "running" && now["seen_at"] == seen;
        if as_before { Ok(()) } else { Err(now) }
    })
    .await;
    scene.runs_on("observe_instances", 1).await;
    scene.cluster.aws.no_faults().await;
    is_seen_stopped(&scene, &down).await;

    scene.must_be_flawless().await;
}

async fn running_in(scene: &Scene, region: &str) -> Value {
    eventually(&format!("a worker runs in {region}"), async || {
        let workers = scene.cluster.rest.workers().await;
        let runs = |it: &Value| it["region"] == region && it["state"] == "running";
        workers.into_iter().find(runs).ok_or("none")
    })
    .await
}

async fn worker(scene: &Scene, worker: &Value) -> Value {
    scene.cluster.rest.get(&format!("/workers/{}", worker["id"].as_str().unwrap())).await
}

async fn seen_at(scene: &Scene, it: &Value) -> Value {
    worker(scene, it).await["seen_at"].clone()
}

async fn is_seen_stopped(scene: &Scene, it: &Value) {
    eventually("it is seen to be stopped", async || {
        let now = worker(scene, it).await;
        if matches!(now["state"].as_str(), Some("stopping" | "stopped")) {
            Ok(())
        } else {
            Err(now)
        }
    })
    .await;
}
