//! A CML controller hangs, breaks its connections, or answers nonsense.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::scene::Scene;
use crate::sse::Manners;
use crate::waiting::{eventually, throughout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_told_and_the_others_are_watched_as_before() {
    let scene = Scene::open(Cluster::plan().with(1, 2, 1).workers(8), 6, &Manners::default()).await;
    let all = eventually("three controllers serve", async || {
        let all = serving(&scene).await;
        if all.len() >= 3 { Ok(all) } else { Err(all.len()) }
    })
    .await;
    let (sick, well) = all.split_first().unwrap();

    for fault in [json!({"kind": "hang"}), json!({"kind": "garbage"}), json!({"kind": "flood"})] {
        let instance = sick["instance_id"].as_str().unwrap();
        scene.cluster.cml.post(&format!("/{instance}/_sim/faults"), &fault).await;

        eventually(&format!("it is told: {fault}"), async || {
            let now = worker(&scene, sick).await;
            let is_told = now["service"] != "available" && now["cml"]["error"].is_string();
            if is_told { Ok(()) } else { Err(now["cml"].clone()) }
        })
        .await;
        let mut before = Vec::new();
        for it in well {
            before.push(worker(&scene, it).await["cml"]["answered_at"].clone());
        }
        throughout(Duration::from_secs(5), "the others serve", async || {
            for it in well {
                let now = worker(&scene, it).await;
                if now["service"] != "available" {
                    return Err(now);
                }
            }
            Ok(())
        })
        .await;
        for (it, before) in well.iter().zip(before) {
            eventually("another one is asked", async || {
                let now = worker(&scene, it).await["cml"]["answered_at"].clone();
                if now == before { Err(now) } else { Ok(()) }
            })
            .await;
        }
        scene.cluster.cml.heal(instance).await;
        eventually("it serves again", async || {
            let now = worker(&scene, sick).await;
            if now["service"] == "available" { Ok(()) } else { Err(now["cml"].clone()) }
        })
        .await;
    }

    scene.must_be_flawless().await;
}

async fn serving(scene: &Scene) -> Vec<Value> {
    let mut all = scene.cluster.rest.workers().await;
    all.retain(|it| it["service"] == "available");
    all
}

async fn worker(scene: &Scene, worker: &Value) -> Value {
    scene.cluster.rest.get(&format!("/workers/{}", worker["id"].as_str().unwrap())).await
}
