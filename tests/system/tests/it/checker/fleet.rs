//! What was done to the world, and what the documents say of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Begun, EventLog, Findings};
use crate::rest::{Console, Rest};
use crate::waiting::eventually;

/// Names and operations that were acknowledged to whoever asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promises {
    /// Names of workers that are to be made.
    pub(crate) names: Vec<String>,
    /// Operations that were begun.
    pub(crate) operations: Vec<Begun>,
}

/// Nothing was launched twice: no token, no worker, no instance.
pub(crate) async fn check_effects(
    rest: &Rest,
    aws: &Console,
    promises: &Promises,
    findings: &mut Findings,
) {
    let ledger = aws.get("ledger").await;
    let ledger = ledger.as_array().unwrap();
    let mut launches: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in ledger.iter().filter(|entry| entry["outcome"] == "launched") {
        let token = entry["token"].as_str().unwrap_or("none");
        *launches.entry(token).or_default() += 1;
        findings.check(token != "none", "launch without a token", || entry.to_string());
    }
    let mismatches = ledger.iter().filter(|entry| entry["outcome"] == "mismatch");
    mismatches.for_each(|entry| findings.fault("token used for something else", entry));
    for (token, times) in launches.iter().filter(|(_, times)| **times > 1) {
        findings.fault("launched twice", format!("{token}: {times} times"));
    }
    let instances = aws.get("instances").await;
    let workers = rest.workers().await;
    for name in &promises.names {
        let named = |it: &&Value| it["tags"]["Name"] == **name;
        let count = instances.as_array().unwrap().iter().filter(named).count();
        findings.check(count <= 1, "worker with several instances", || {
            format!("{name} has {count} instances")
        });
        let count = workers.iter().filter(|worker| worker["name"] == **name).count();
        findings.check(count == 1, "promised worker is not there once", || {
            format!("{name} is there {count} times")
        });
    }
    let mut held: BTreeMap<&str, u32> = BTreeMap::new();
    for instance in workers.iter().filter_map(|worker| worker["instance_id"].as_str()) {
        *held.entry(instance).or_default() += 1;
    }
    for (instance, times) in held.iter().filter(|(_, times)| **times > 1) {
        findings.fault("instance of several workers", format!("{instance}: {times}"));
    }
    findings.saw(format!(
        "{} launches in {} calls, {} workers",
        launches.len(),
        ledger.len(),
        workers.len()
    ));
}

/// Whoever only listened knows each worker's state and service as the documents have them.
pub(crate) async fn check_told_state(rest: &Rest, findings: &mut Findings) {
    let workers = rest.workers().await;
    // What was written before the documents were read is told by now, or waits.
    eventually("everything is told", async || {
        let backlog = rest.get("/system").await["events"]["backlog"].clone();
        if backlog == 0 { Ok(()) } else { Err(backlog) }
    })
    .await;
    let log = EventLog::read(rest, 0).await;
    let mut told: BTreeMap<(&str, &str), Vec<(u64, &Value)>> = BTreeMap::new();
    for entry in log.entries.iter().filter(|entry| entry.name.starts_with("worker.")) {
        let Some(worker) = entry.subject.strip_prefix("worker/") else { continue };
        for field in ["state", "service"] {
            if let Some(value) = entry.data.get(field) {
                let rev = entry.data["rev"].as_u64().unwrap();
                told.entry((worker, field)).or_default().push((rev, value));
            }
        }
    }
    for worker in &workers {
        let (id, rev) = (worker["id"].as_str().unwrap(), worker["rev"].as_u64().unwrap());
        for field in ["state", "service"] {
            let mut known =
                told.get(&(id, field)).into_iter().flatten().filter(|(at, _)| *at <= rev);
            let Some((at, value)) = known.next_back() else {
                findings.fault("worker nobody was told of", format!("{id}: {field}"));
                continue;
            };
            findings.check(worker[field] == **value, "told otherwise", || {
                format!(
                    "{id}: {field} is {} at rev {rev}, told: {value} at rev {at}",
                    worker[field]
                )
            });
        }
    }
    findings.saw(format!("told state of {} workers", workers.len()));
}
