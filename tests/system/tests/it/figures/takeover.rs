//! The leading scheduler crashes, hands over, and loses the store.

use std::time::{Duration, Instant};

use super::{Figure, tries};
use crate::cluster::{Cluster, Kind, Node, Plan};
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::{PATIENCE, within};

/// A leader renews its lease as often; what happens to it happens at any moment between two.
const RENEWAL: Duration = Duration::from_secs(2);
/// Much less than what is measured.
const LOOK: Duration = Duration::from_millis(5);
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_crash_to_the_next_leader() {
    let mut scene = at_work(Cluster::plan().with(1, 3, 1)).await;
    let mut took = Figure::millis("crash_failover");

    for _ in 0..tries() {
        let (leader, epoch) = scene.settles().await;
        scene.cluster.node(leader).process.kill().await;
        let killed = Instant::now();
        let (lead, after) = scene.cluster.next_leader(Kind::Scheduler, epoch, killed).await;
        assert_eq!(lead.epoch, epoch + 1);
        took.add(after);
        scene.cluster.node(leader).process.start_again();
    }

    scene.must_have_had(tries() + 1).await;
    took.tell();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_clean_end_to_the_next_leader() {
    let mut scene = at_work(Cluster::plan().with(1, 3, 1)).await;
    let mut took = Figure::millis("hand_over");
    let mut drained = Figure::millis("hand_over_from_signal");

    for _ in 0..tries() {
        let (leader, epoch) = scene.settles().await;
        let told = Instant::now();
        // Apart from the others, so that the end and the next leader can be waited for at once.
        let node = scene.cluster.nodes.remove(leader);
        let (node, (vacant, led)) = tokio::join!(
            async {
                let mut node = node;
                let status = node.process.term(LIMIT).await;
                assert!(status.success(), "{status}");
                node
            },
            vacancy(&scene.cluster, epoch),
        );
        scene.cluster.nodes.insert(leader, node);
        took.add(led - vacant);
        drained.add(led - told);
        scene.cluster.node(leader).process.start_again();
    }

    scene.must_have_had(tries() + 1).await;
    took.tell();
    drained.tell();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_loss_of_the_store_to_stepping_down() {
    let mut scene = at_work(Cluster::plan().with(1, 2, 1).faulty_lines()).await;
    let mut took = Figure::millis("self_demotion");
    let mut next = Figure::millis("failover_after_loss_of_store");

    for nth in 0..tries() {
        let (leader, epoch) = scene.settles().await;
        let node = &scene.cluster.nodes[leader];
        let (mongo, aws) = (&node.lines().mongo, node.lines().aws.as_ref().unwrap());
        if nth % 2 == 0 {
            mongo.black_hole()
        } else {
            mongo.cut()
        }
        let lost = Instant::now();
        let (stepped_down, (lead, after)) = tokio::join!(
            steps_down(node, lost),
            scene.cluster.next_leader(Kind::Scheduler, epoch, lost),
        );
        assert_eq!(lead.epoch, epoch + 1);
        // What it asked of the world after it said that it does not lead counts too.
        let acted = lost.elapsed().saturating_sub(aws.quiet_for().unwrap());
        took.add(stepped_down.max(acted));
        next.add(after);
        mongo.restore();
    }

    scene.must_have_had(tries() + 1).await;
    took.tell();
    next.tell();
}

async fn at_work(plan: Plan) -> Scene {
    let manners = Manners { keep_moments: true, ..Manners::default() };
    let mut scene = Scene::open(plan, 4, &manners).await;
    // No more than is done meanwhile: a queue would be measured too.
    scene.let_people_ask(3, Duration::from_secs(1));
    scene
}

/// Returns how long after a moment a scheduler says that it does not lead.
async fn steps_down(node: &Node, since: Instant) -> Duration {
    while node.metric("ccm_leader_epoch").await > 0.0 {
        assert!(since.elapsed() < LIMIT, "{} steps down", node.name());
        tokio::time::sleep(LOOK).await;
    }
    since.elapsed()
}

/// Returns since when at most, and until when at least, nobody led after a term.
async fn vacancy(cluster: &Cluster, epoch: u64) -> (Instant, Instant) {
    let mut vacant = Instant::now();
    within(LIMIT, "the next scheduler", async || {
        let asked = Instant::now();
        match cluster.lead(Kind::Scheduler).await {
            Some(lead) if lead.epoch > epoch => Ok((vacant, Instant::now())),
            Some(_) => {
                vacant = asked;
                Err("the same")
            }
            None => Err("nobody"),
        }
    })
    .await
}

impl Scene {
    /// Waits until everything is well and work goes on, and then for any moment between two renewals.
    async fn settles(&mut self) -> (usize, u64) {
        self.cluster.all_ready().await;
        self.goes_on(3, 10).await;
        self.recovers().await;
        tokio::time::sleep(RENEWAL.mul_f64(rand::random())).await;
        self.cluster.leader(Kind::Scheduler).await
    }

    /// Waits for the end of what a leader left unfinished: what the next ones leave unfinished too is put aside
    /// as the cause of their end.
    async fn recovers(&self) {
        within(PATIENCE, "what was left unfinished ends", async || {
            let mut left = Vec::new();
            for state in ["queued", "running", "failed", "abandoned"] {
                let runs = self.cluster.rest.list(&format!("/runs?state={state}")).await;
                left.extend(runs.into_iter().filter(|run| run["crashes"].as_u64() > Some(0)));
            }
            if left.is_empty() { Ok(()) } else { Err(left) }
        })
        .await;
    }

    /// Insists that nothing was lost or doubled over so many terms.
    async fn must_have_had(self, terms: usize) {
        let log = self.must_be_flawless().await;
        assert_eq!(log.terms("scheduler").len(), terms);
    }
}
