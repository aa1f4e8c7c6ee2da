//! An API process is killed, another one drains.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::{Diary, Manners, Note};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_browsers_go_on_elsewhere_and_miss_nothing() {
    let mut scene = Scene::open(Cluster::plan().with(3, 1, 1), 30, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    let pods = scene.cluster.of(Kind::Api);

    scene.goes_on(5, 20).await;
    scene.cluster.node(pods[0]).process.kill().await;
    scene.goes_on(10, 40).await;
    let began = Instant::now();
    let status = scene.cluster.node(pods[1]).process.term(Duration::from_secs(20)).await;
    println!("drained in {:?}", began.elapsed());
    assert!(status.success(), "{status}");
    scene.goes_on(10, 40).await;
    for pod in &pods[..2] {
        scene.cluster.node(*pod).process.start_again();
    }
    scene.cluster.all_ready().await;
    scene.goes_on(5, 20).await;

    let (verdict, cluster) = scene.judge().await;
    let pod = |note: &Note| if let Note::Opened { pod, .. } = note { Some(*pod) } else { None };
    let moved = verdict
        .diaries
        .iter()
        .filter(|diary| diary.notes.iter().filter_map(pod).collect::<BTreeSet<_>>().len() > 1);
    assert!(moved.count() >= 10, "at least a third of the browsers had to move");
    let said_goodbye = |diary: &Diary| {
        diary.notes.iter().any(|note| matches!(note, Note::Bye(reason) if reason == "drain"))
    };
    assert!(verdict.diaries.iter().any(said_goodbye), "whoever drains says goodbye");
    assert!(
        verdict.diaries.iter().all(|diary| diary.resyncs().is_empty()),
        "nobody had to read again"
    );
    verdict.findings.must_be_none();
    cluster.end().await;
}
