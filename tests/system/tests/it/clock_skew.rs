//! Wall clocks do not matter, and neither do names.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, Kind, Plan};
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::throughout;

/// The parts of `/usr/lib` where Debian has its libraries, by architecture.
const LIBRARIES: [&str; 2] = ["x86_64-linux-gnu", "aarch64-linux-gnu"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedulers_an_hour_early_and_an_hour_late_change_nothing() {
    let plan = off_by(off_by(Cluster::plan().with(1, 3, 1), 1, "+3600s"), 2, "-3600s");
    let mut scene = Scene::open(plan, 6, &Manners::default()).await;
    for nth in [1, 2] {
        let node = scene.cluster.of(Kind::Scheduler)[nth];
        let log = scene.cluster.node(node).process.log();
        assert!(log.contains("this machine's clock differs from the store's"), "{log}");
    }
    scene.let_people_ask(3, Duration::from_millis(300));

    // Each leads once.
    let mut led = Vec::new();
    while led.len() < 3 {
        let (leader, epoch) = scene.cluster.leader(Kind::Scheduler).await;
        led.push(leader);
        scene.goes_on(5, 20).await;
        scene.runs_on("observe_instances", 2).await;
        if led.len() < 3 {
            scene.cluster.node(leader).process.kill().await;
            let (_, took) = scene.cluster.next_leader(Kind::Scheduler, epoch, Instant::now()).await;
            assert!(took <= Duration::from_secs(8), "{took:?}");
        }
    }

    led.sort_unstable();
    led.dedup();
    assert_eq!(led.len(), 3, "each clock has led: {led:?}");
    for nth in led {
        if !scene.cluster.node(nth).process.runs() {
            scene.cluster.node(nth).process.start_again();
        }
    }
    scene.must_be_flawless().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_with_the_same_name_one_leads() {
    let mut plan = Cluster::plan().with(1, 2, 2);
    for kind in [Kind::Scheduler, Kind::Relay] {
        for nth in 0..2 {
            plan = plan.env_of(kind, nth, "CCM_ADMIN__NAME", "twin");
        }
    }
    let mut scene = Scene::open(plan, 6, &Manners::default()).await;
    scene.let_people_ask(3, Duration::from_millis(300));
    scene.goes_on(5, 20).await;

    for kind in [Kind::Scheduler, Kind::Relay] {
        let twins = scene.cluster.of(kind);
        throughout(Duration::from_secs(10), "one of the two leads", async || {
            let first = scene.cluster.nodes[twins[0]].metric("ccm_leader_epoch").await;
            let second = scene.cluster.nodes[twins[1]].metric("ccm_leader_epoch").await;
            if (first == 0.0) == (second == 0.0) { Err((first, second)) } else { Ok(()) }
        })
        .await;
        let epoch = scene.cluster.lead(kind).await.unwrap().epoch;
        assert_eq!(epoch, 1, "nobody took over the {}", kind.role());
    }
    scene.runs_on("observe_instances", 2).await;
    scene.must_be_flawless().await;
}

/// Moves the wall clock of a scheduler; clocks that only go forward stay right, as they do in life.
fn off_by(plan: Plan, nth: usize, by: &str) -> Plan {
    let library = LIBRARIES
        .iter()
        .map(|triple| format!("/usr/lib/{triple}/faketime/libfaketime.so.1"))
        .find(|path| Path::new(path).is_file())
        .expect("libfaketime is there; `dev/setup test` installs it");
    plan.env_of(Kind::Scheduler, nth, "LD_PRELOAD", &library)
        .env_of(Kind::Scheduler, nth, "FAKETIME", by)
        .env_of(Kind::Scheduler, nth, "FAKETIME_DONT_FAKE_MONOTONIC", "1")
}
