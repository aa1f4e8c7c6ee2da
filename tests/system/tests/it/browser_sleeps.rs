//! A browser sleeps for a night: it goes on from the log, or is told to read again.

use std::time::Duration;

use ccm_store::{OpenOptions, Place};

use crate::cluster::{Cluster, Kind};
use crate::scene::Scene;
use crate::sse::{Browsers, Diary, Manners, Note};
use crate::waiting::PATIENCE;

const BROWSERS: usize = 6;
/// What Redis keeps is less than what happens in the night.
const KEPT: &str = "100";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_still_has_it_is_told_and_nothing_twice() {
    let mut scene = Scene::open(plan(), BROWSERS, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(50));
    scene.goes_on(5, 20).await;

    let asleep = scene.fall_asleep().await;
    a_night(&mut scene).await;
    scene.wake_up(asleep);

    scene.goes_on(5, 20).await;
    scene.must_be_flawless().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_is_forgotten_it_is_told_so_and_reads_again() {
    let mut scene = Scene::open(plan(), BROWSERS, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(50));
    scene.goes_on(5, 20).await;

    let asleep = scene.fall_asleep().await;
    let before: Vec<usize> = asleep.iter().map(|diary| diary.notes.len()).collect();
    a_night(&mut scene).await;
    scene.enough().await;
    let head = scene.cluster.head().await;
    // What the pruning job does when the time to keep events is over.
    let place: Place = scene.cluster.store.as_str().parse().unwrap();
    let store = ccm_store::open(&place, OpenOptions::default()).await.unwrap();
    assert!(store.stores.log.trim(head - 10).await.unwrap() > 0);
    scene.wake_up(asleep);

    scene.browsers.reach(head, PATIENCE).await;
    let Scene { browsers, cluster, .. } = scene;
    for (diary, before) in browsers.close().await.iter().zip(before) {
        let since = &diary.notes[before..];
        let told = since.iter().find(|note| !matches!(note, Note::Opened { .. } | Note::Cursor(_)));
        assert!(matches!(told, Some(Note::Resync(why)) if why == "too_old"), "{since:?}");
        let reads_again = since.iter().any(|note| matches!(note, Note::Snapshot { .. }));
        assert!(reads_again, "{since:?}");
    }
    cluster.end().await;
}

fn plan() -> crate::cluster::Plan {
    Cluster::plan().with(2, 1, 1).env("CCM_EVENTS__HISTORY", KEPT)
}

/// More happens than Redis keeps, and API processes are replaced by ones that know no more than that.
async fn a_night(scene: &mut Scene) {
    scene.goes_on(20, 300).await;
    for pod in scene.cluster.of(Kind::Api) {
        let process = &mut scene.cluster.node(pod).process;
        assert!(process.term(PATIENCE).await.success());
        process.start_again();
        scene.cluster.all_ready().await;
    }
}

impl Scene {
    /// Closes all browsers and keeps their diaries.
    async fn fall_asleep(&mut self) -> Vec<Diary> {
        let none = Browsers::go_on(&[], Vec::new(), &Manners::default(), 0);
        std::mem::replace(&mut self.browsers, none).close().await
    }

    /// Opens the browsers again.
    fn wake_up(&mut self, diaries: Vec<Diary>) {
        let pods = self.cluster.pods();
        self.browsers = Browsers::go_on(&pods, diaries, &Manners::default(), self.seed());
    }
}
