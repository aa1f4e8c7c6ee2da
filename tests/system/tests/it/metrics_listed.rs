//! What real processes measure is what `docs/METRICS.md` lists.

use std::collections::BTreeSet;

use crate::cluster::Cluster;

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/METRICS.md");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_of_a_process_is_listed_with_its_kind() {
    let list = std::fs::read_to_string(LIST).unwrap();
    let cluster = Cluster::plan().with(1, 1, 1).start().await;
    cluster.import().await;

    let mut seen = BTreeSet::new();
    for node in &cluster.nodes {
        for line in node.metrics().await.lines() {
            // OpenTelemetry adds what names the process.
            let told = line.strip_prefix("# TYPE ").filter(|told| *told != "target_info gauge");
            seen.extend(told.map(str::to_owned));
        }
    }

    assert!(seen.len() > 20, "{seen:?}");
    for told in seen {
        let (name, kind) = told.split_once(' ').unwrap();
        assert!(list.contains(&format!("\n| `{name}` | {kind} |")), "{told} is not listed");
    }
    cluster.end().await;
}
