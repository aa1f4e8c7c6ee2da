//! What the predecessor could not do: three API processes and three schedulers over one store.

use std::time::Duration;

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::Manners;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_runs_once_and_an_event_raised_anywhere_reaches_every_browser() {
    let manners = Manners { keep_moments: true, ..Manners::default() };
    let mut scene = Scene::open(Cluster::plan().with(3, 3, 2), 12, &manners).await;

    scene.let_people_ask(3, Duration::from_millis(500));
    scene.goes_on(30, 100).await;
    scene.runs_on("observe_instances", 3).await;

    // An event that is raised through one process reaches the browsers of all.
    for pod in 0..3 {
        let before = scene.cluster.head().await;
        let pause = ["pause", "resume", "pause"][pod];
        let path = format!("/schedules/import_instances/{pause}");
        scene.cluster.rest.only(pod).post(&path, &serde_json::json!({})).await;
        scene.browsers.reach(before + 1, Duration::from_secs(5)).await;
    }
    for kind in [Kind::Scheduler, Kind::Relay] {
        let (_, epoch) = scene.cluster.leader(kind).await;
        assert_eq!(epoch, 1, "nobody had to take over the {}", kind.role());
    }
    scene.must_be_flawless().await;
}
