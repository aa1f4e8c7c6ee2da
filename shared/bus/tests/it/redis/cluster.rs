//! Three primaries that share the slots.

use std::process::Command;
use std::time::{Duration, Instant};

use ccm_ports::{Bell, Chime, EventFeed, EventPublisher, Heard};

use super::server::Server;
use super::world::{World, bus, gap, hear, log, next, until_ok, until_well};

struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    fn start() -> Self {
        // Slots whose node is away are away alone.
        let partial = "cluster-require-full-coverage no";
        let lines = ["cluster-enabled yes", "cluster-node-timeout 2000", partial];
        let nodes: Vec<_> = (0..3).map(|_| Server::with(&lines)).collect();
        let cluster = Self { nodes };
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create", "--cluster-yes"]).args(cluster.addresses());
        let created = create.output().expect("redis-cli can be run: run `dev/setup servers`");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        for node in &cluster.nodes {
            node.wait_for(&["CLUSTER", "INFO"], "cluster_state:ok");
        }
        cluster
    }

    fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect()
    }

    fn url(&self) -> String {
        format!("redis-cluster://{}", self.addresses().join(","))
    }

    /// Returns the nodes in turn: the one that has the slot, and the others.
    fn owner_of(&self, slot: u64) -> (usize, Vec<usize>) {
        let has = |node: &Server| {
            let slots: String = node.ask(&["CLUSTER", "NODES"]);
            let line = slots.lines().find(|line| line.contains("myself")).unwrap_or_default();
            line.split(' ').skip(8).filter_map(|range| range.split_once('-')).any(|(from, to)| {
                let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
                (number(from)..=number(to)).contains(&slot)
            })
        };
        let owner = self.nodes.iter().position(has).expect("somebody has the slot");
        (owner, (0..self.nodes.len()).filter(|node| *node != owner).collect())
    }

    /// Gives the slot and what is in it to another node, as an operator does.
    fn give(&self, slot: u64, key: &str) {
        let (from, others) = self.owner_of(slot);
        let (from, to) = (&self.nodes[from], &self.nodes[others[0]]);
        let id = |node: &Server| node.ask::<String>(&["CLUSTER", "MYID"]);
        let (slot, from_id, to_id) = (slot.to_string(), id(from), id(to));
        to.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
        from.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
        from.ask::<()>(&["MIGRATE", "127.0.0.1", &to.port().to_string(), key, "0", "5000"]);
        for node in [to, from].into_iter().chain(others[1..].iter().map(|node| &self.nodes[*node]))
        {
            node.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
        }
    }
}

async fn world(cluster: &Cluster) -> World {
    World::on_own(&cluster.url())
}

ccm_ports::bus_contract!(a_cluster_passes_the_suite: Cluster::start(), world);

#[tokio::test]
async fn a_slot_that_moves_takes_its_subscribers_along() {
    let cluster = Cluster::start();
    let bus = bus(&cluster.url());
    let slot = cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", "ccm:{main}:log"]);
    let mut heard = bus.subscribe().await.unwrap();
    let _bell = bus.listen(Chime::Outbox).await;
    bus.append(&log(1..=5)).await.unwrap();
    hear(&mut heard, 5).await;

    cluster.give(slot, "ccm:{main}:log");

    let began = Instant::now();
    gap(&mut heard).await;
    println!("cluster: heard again {:?} after the slot moved", began.elapsed());
    until_well(&bus, true).await;
    until_ok(async || bus.append(&log([6])).await).await;
    hear(&mut heard, 6).await;
    assert_eq!(bus.history(0, 10).await.unwrap(), log(1..=6));
}

#[tokio::test]
async fn a_node_that_has_nothing_of_the_bus_may_hang() {
    let cluster = Cluster::start();
    let url = cluster.url();
    let bus = bus(&url);
    let slot = cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", "ccm:{main}:log"]);
    let (owner, others) = cluster.owner_of(slot);
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=5)).await.unwrap();

    cluster.nodes[others[0]].stop(true);
    cluster.nodes[owner].ask::<()>(&["SCRIPT", "FLUSH"]);

    bus.append(&log([6])).await.unwrap();
    hear(&mut heard, 6).await;
    let later = super::world::bus(&url);
    let mut heard = until_ok(async || later.subscribe().await).await;
    later.append(&log([7])).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Event(log([7]).remove(0)));
}

#[tokio::test]
async fn a_node_that_restarts_is_found_again() {
    let mut cluster = Cluster::start();
    let bus = bus(&cluster.url());
    let slot = cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", "ccm:{main}:log"]);
    let (owner, _) = cluster.owner_of(slot);
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=5)).await.unwrap();

    cluster.nodes[owner].kill();
    until_well(&bus, false).await;
    let began = Instant::now();
    bus.last().await.unwrap_err();
    let took = began.elapsed();
    cluster.nodes[owner].revive();

    gap(&mut heard).await;
    assert!(took < Duration::from_secs(2), "the call took {took:?}");
    // The first connections may meet a node that does not know its part yet.
    until_well(&bus, true).await;
    until_ok(async || bus.append(&log(1..=6)).await).await;
    hear(&mut heard, 6).await;
}
