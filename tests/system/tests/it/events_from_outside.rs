//! EC2 says that an instance stopped, at all ports that take events from outside.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Kind};
use crate::waiting::eventually;

const TOKEN: &str = "a-token-of-twenty-xx";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ec2_says_is_looked_at_at_once_and_taken_once_by_all() {
    let plan = Cluster::plan().with(1, 1, 2);
    // By itself nobody looks before the test has given up.
    let plan = plan.env("CCM_JOBS__OBSERVE_INSTANCES__EVERY", "1h");
    let cluster = plan.env("CCM_RELAY__INBOUND__BEARER", TOKEN).start().await;
    cluster.import().await;
    let worker = eventually("a worker runs", async || {
        let workers = cluster.rest.workers().await;
        workers.iter().find(|it| it["state"] == "running").cloned().ok_or(workers)
    })
    .await;
    let instance = worker["instance_id"].clone();
    cluster.aws.post("/_sim/stop", &json!({"instance_id": instance})).await;
    let notice = json!({
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "source": "aws.ec2",
        "detail-type": "EC2 Instance State-change Notification", "region": worker["region"],
        "detail": {"instance-id": instance, "state": "stopping"},
    });

    // A relay that leads, one that waits, and the API.
    let ports = [cluster.of(Kind::Relay), cluster.of(Kind::Api)].concat();
    let mut answers = Vec::new();
    for nth in &ports {
        answers.push(send(cluster.nodes[*nth].base.as_deref().unwrap(), &notice).await);
    }

    assert_eq!(answers, [202, 204, 204]);
    let path = format!("/workers/{}", worker["id"].as_str().unwrap());
    eventually("the worker is seen stopped", async || {
        let now = cluster.rest.get(&path).await;
        if now["state"] == "stopping" || now["state"] == "stopped" { Ok(()) } else { Err(now) }
    })
    .await;
    let operations = cluster.rest.list("/operations").await;
    let looks = operations.iter().filter(|it| it["kind"] == "look_at_worker").count();
    assert_eq!(looks, 1, "{operations:?}");
    cluster.end().await;
}

async fn send(base: &str, event: &Value) -> u16 {
    let url = format!("{base}/api/v1/events/inbound");
    let request = crate::rest::client().post(url).bearer_auth(TOKEN).json(event);
    request.timeout(Duration::from_secs(10)).send().await.unwrap().status().as_u16()
}
