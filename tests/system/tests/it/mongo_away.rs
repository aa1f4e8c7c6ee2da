//! MongoDB is away: nothing is promised that cannot be kept, and everything goes on by itself.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::cluster::{Cluster, Kind};
use crate::rest::NoAnswer;
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::throughout;

/// Trust ends this long after the last renewal.
const TRUST: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_are_not_ready_answer_503_stop_acting_and_resume_by_themselves() {
    let manners = Manners { keep_moments: true, ..Manners::default() };
    let plan = Cluster::plan().with(2, 2, 2).faulty_lines();
    let mut scene = Scene::open(plan, 8, &manners).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    scene.goes_on(5, 20).await;

    for silent in [false, true] {
        for node in &scene.cluster.nodes {
            let mongo = &node.lines().mongo;
            if silent { mongo.black_hole() } else { mongo.cut() }
        }
        let lost = Instant::now();
        for node in &scene.cluster.nodes {
            node.not_ready(Duration::from_secs(15)).await;
        }
        println!("silent: {silent}; nobody is ready after {:?}", lost.elapsed());
        promises_nothing(&scene.cluster).await;
        throughout(Duration::from_secs(5), "nobody acts", async || {
            let acted = acted(&scene.cluster, lost);
            if acted <= TRUST { Ok(()) } else { Err(acted) }
        })
        .await;
        println!("schedulers acted for {:?}", acted(&scene.cluster, lost));

        for node in &scene.cluster.nodes {
            node.lines().mongo.restore();
        }
        let back = Instant::now();
        scene.cluster.all_ready().await;
        println!("ready again after {:?}", back.elapsed());
        for kind in [Kind::Scheduler, Kind::Relay] {
            scene.cluster.leader(kind).await;
        }
        println!("led again after {:?}", back.elapsed());
        scene.goes_on(5, 20).await;
        scene.runs_on("observe_instances", 1).await;
    }

    scene.must_be_flawless().await;
}

/// Whoever asks is told that it cannot be done now, and when to come back.
async fn promises_nothing(cluster: &Cluster) {
    for (method, path) in [(Method::GET, "/workers"), (Method::POST, "/schedules/prune/trigger")] {
        let body = (method == Method::POST).then(|| json!({}));
        let refused = cluster.rest.send(method, path, body.as_ref(), &[]).await;
        let Err(NoAnswer::Refused(answer)) = refused else { panic!("{path}: {refused:?}") };
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
        assert!(answer.retry_after.is_some(), "{path}: {answer:?}");
    }
}

/// Returns for how long after a moment any scheduler went on asking AWS.
fn acted(cluster: &Cluster, since: Instant) -> Duration {
    let schedulers = cluster.of(Kind::Scheduler).into_iter();
    let calls = schedulers.filter_map(|nth| cluster.nodes[nth].lines().aws.as_ref());
    calls
        .filter_map(|calls| Some(since.elapsed().saturating_sub(calls.quiet_for()?)))
        .max()
        .unwrap_or_default()
}
