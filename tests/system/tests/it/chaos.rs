//! Everything that can break breaks, one kind of trouble after the other, while people ask, sweeps run and
//! browsers come and go.
//!
//! `CCM_CHAOS_SECONDS` is the length of each kind of trouble; `make chaos` runs it for a minute each.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::cluster::{Cluster, Kind, Node};
use crate::place::optional;
use crate::scene::Scene;
use crate::sse::Manners;

const BROWSERS: usize = 200;
/// How long each kind of trouble lasts where nobody says.
const EACH: u64 = 12;
/// How long a process may take to end in good order.
const LEAVING: Duration = Duration::from_secs(30);

/// A kind of trouble.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Kill,
    Stop,
    Term,
    Cut,
    RestartRedis,
    FlushRedis,
}

const ALL: &[Trouble] = &[
    Trouble::Kill,
    Trouble::Stop,
    Trouble::Term,
    Trouble::Cut,
    Trouble::RestartRedis,
    Trouble::FlushRedis,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_nothing_is_lost_doubled_or_out_of_order() {
    let each = optional("CCM_CHAOS_SECONDS").map_or(EACH, |text| text.parse().unwrap());
    let manners = Manners {
        filters: ["", "worker.*", "", "lab.*,system.leader_changed", "schedule.*,settings.*"]
            .map(str::to_owned)
            .to_vec(),
        // A process that hangs says nothing; the heartbeat comes every two seconds.
        silence: Duration::from_secs(6),
        disconnect: Some(Duration::from_secs(8)),
        most_retry: Duration::from_secs(1),
        keep_moments: false,
    };
    let plan = Cluster::plan().with(3, 3, 2).workers(8).own_redis().faulty_lines();
    let mut scene = Scene::open(plan, BROWSERS, &manners).await;
    scene.let_people_ask(4, Duration::from_millis(400));
    let mut chance = StdRng::seed_from_u64(scene.seed());

    for trouble in ALL {
        let began = Instant::now();
        let mut count = 0;
        while began.elapsed() < Duration::from_secs(each) {
            trouble.make(&mut scene.cluster, &mut chance).await;
            count += 1;
        }
        scene.cluster.all_ready().await;
        println!("{trouble:?}: {count} times in {:?}", began.elapsed());
        scene.goes_on(5, 20).await;
    }

    let (verdict, cluster) = scene.judge().await;
    verdict.findings.must_be_none();
    cluster.end().await;
}

impl Trouble {
    /// Makes trouble once and takes it back.
    async fn make(self, cluster: &mut Cluster, chance: &mut StdRng) {
        let nth = (0..cluster.nodes.len()).collect::<Vec<_>>().choose(chance).copied().unwrap();
        let node = &mut cluster.nodes[nth];
        match self {
            Self::Kill => {
                node.process.kill().await;
                pause(chance, 0.1..3.0).await;
                node.process.start_again();
            }
            Self::Stop => {
                node.process.stop();
                // Longer than trust lasts, longer than a lease, or neither.
                pause(chance, 0.5..9.0).await;
                node.process.cont();
            }
            Self::Term => {
                let status = node.process.term(LEAVING).await;
                assert!(status.success(), "{} ended with {status}", node.name());
                pause(chance, 0.1..1.0).await;
                node.process.start_again();
            }
            Self::Cut => cut(node, chance).await,
            Self::RestartRedis => cluster.redis.as_mut().unwrap().restart().await,
            Self::FlushRedis => cluster.redis.as_ref().unwrap().flush_all().await,
        }
        pause(chance, 0.2..2.0).await;
    }
}

/// Lets one line of a process fail in one of the ways that there are.
async fn cut(node: &Node, chance: &mut StdRng) {
    let lines = node.lines();
    let mut all = vec![&lines.mongo, &lines.redis];
    if node.kind == Kind::Scheduler {
        all.extend(&lines.aws);
    }
    let line = *all.choose(chance).unwrap();
    match chance.random_range(0..5) {
        0 => line.cut(),
        1 => line.reset(),
        2 => line.black_hole(),
        3 => line.lose_replies(),
        _ => line.delay(Duration::from_millis(chance.random_range(10..400))),
    }
    pause(chance, 0.5..8.0).await;
    line.restore();
}

/// Lets the trouble last.
async fn pause(chance: &mut StdRng, seconds: std::ops::Range<f64>) {
    tokio::time::sleep(Duration::from_secs_f64(chance.random_range(seconds))).await;
}
