//! MongoDB is away: nothing is promised that cannot be kept, and everything goes on by itself.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::cluster::{Cluster, Kind};
use crate::rest::NoAnswer;
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::{throughout, within};

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
        let acting = scene.cluster.of(Kind::Scheduler).into_iter().map(|nth| {
            let calls = scene.cluster.nodes[nth].lines().aws.as_ref().unwrap();
            calls.quiet_for().map_or(Duration::ZERO, |quiet| lost.elapsed().saturating_sub(quiet))
        });
        let acted = acting.max().unwrap();
        println!("schedulers acted for {acted:?}");
        assert!(acted <= Duration::from_secs(4), "{acted:?}");
        for (method, path) in
            [(Method::GET, "/workers"), (Method::POST, "/schedules/prune/trigger")]
        {
            let body = (method == Method::POST).then(|| json!({}));
            let refused = scene.cluster.rest.send(method, path, body.as_ref(), &[]).await;
            let Err(NoAnswer::Refused(answer)) = refused else { panic!("{path}: {refused:?}") };
            assert_eq!(answer.status, 503, "{path}: {answer:?}");
            assert!(answer.retry_after.is_some(), "{path}: {answer:?}");
        }
        throughout(Duration::from_secs(5), "nobody acts", async || {
            let quiet = scene.cluster.of(Kind::Scheduler).into_iter().all(|nth| {
                let calls = scene.cluster.nodes[nth].lines().aws.as_ref().unwrap();
                calls
                    .quiet_for()
                    .is_none_or(|quiet| lost.elapsed() - quiet <= Duration::from_secs(4))
            });
            if quiet { Ok(()) } else { Err("a scheduler asked something of AWS") }
        })
        .await;

        for node in &scene.cluster.nodes {
            node.lines().mongo.restore();
        }
        let back = Instant::now();
        scene.cluster.all_ready().await;
        println!("ready again after {:?}", back.elapsed());
        within(Duration::from_secs(20), "both roles are led", async || {
            let leads = [Kind::Scheduler, Kind::Relay].map(|kind| scene.cluster.lead(kind));
            let [scheduler, relay] = leads;
            match (scheduler.await, relay.await) {
                (Some(_), Some(_)) => Ok(()),
                other => Err(other),
            }
        })
        .await;
        println!("led again after {:?}", back.elapsed());
        scene.goes_on(5, 20).await;
        scene.runs_on("observe_instances", 1).await;
    }

    scene.must_be_flawless().await;
}
