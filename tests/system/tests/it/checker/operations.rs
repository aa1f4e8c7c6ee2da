//! Long actions that were begun: each ends, or says why not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{Findings, Promises};
use crate::rest::{NoAnswer, Rest};
use crate::waiting::within;

/// Ended operations that a worker remembers.
const REMEMBERED: usize = 10;
/// Those of which a worker remembers so many; all others are kept for days.
const OF_WORKERS: [&str; 6] =
    ["create", "start", "stop", "terminate", "register_license", "deregister_license"];

/// An operation that was acknowledged to whoever asked.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    id: String,
    worker: Option<String>,
}

impl Begun {
    /// Reads what an answer says of the operation that it began.
    pub(crate) fn of(answer: &Value) -> Option<Self> {
        let operation = &answer["operation"];
        let worker = operation["worker_id"].as_str().map(str::to_owned);
        Some(Self { id: operation["id"].as_str()?.to_owned(), worker })
    }

    /// Waits until it has ended.
    pub(crate) async fn ends(&self, rest: &Rest, limit: Duration) {
        within(limit, &format!("operation {} ends", self.id), async || {
            match self.seen(rest).await? {
                Some(seen) if !has_ended(&seen) => Err(seen.to_string()),
                Some(_) | None => Ok(()),
            }
        })
        .await;
    }

    /// Returns it; none when it is forgotten, as only what has ended is.
    async fn seen(&self, rest: &Rest) -> Result<Option<Value>, String> {
        match rest.try_get(&format!("/operations/{}", self.id)).await {
            Ok(seen) => Ok(Some(seen)),
            Err(NoAnswer::Refused(answer)) if answer.status == 404 => {
                if self.is_forgotten(rest).await {
                    return Ok(None);
                }
                Err(format!("operation {} is not there", self.id))
            }
            Err(err) => Err(err.to_string()),
        }
    }

    /// Whether its worker has since ended as many others as it remembers. Ids grow with time.
    async fn is_forgotten(&self, rest: &Rest) -> bool {
        let Some(worker) = &self.worker else { return false };
        let all = rest.list(&format!("/operations?worker={worker}")).await;
        let is_later = |it: &&Value| {
            let is_of_worker = it["kind"].as_str().is_some_and(|kind| OF_WORKERS.contains(&kind));
            is_of_worker && has_ended(it) && it["id"].as_str() > Some(&self.id)
        };
        all.iter().filter(is_later).count() >= REMEMBERED
    }
}

fn has_ended(operation: &Value) -> bool {
    matches!(operation["state"].as_str(), Some("succeeded" | "failed" | "canceled"))
}

/// Everything that was promised has ended, or says why not.
pub(crate) async fn check_operations(rest: &Rest, promises: &Promises, findings: &mut Findings) {
    let mut ended: BTreeMap<String, usize> = BTreeMap::new();
    for begun in &promises.operations {
        let state = match begun.seen(rest).await {
            Ok(Some(seen)) => {
                let state = seen["state"].as_str().unwrap().to_owned();
                let told_why = !seen["reason"].is_null();
                let fine = has_ended(&seen) && (state == "succeeded" || told_why);
                findings.check(fine, "operation not ended in order", || seen.to_string());
                state
            }
            Ok(None) => "forgotten".to_owned(),
            Err(err) => {
                findings.fault("operation lost", err);
                continue;
            }
        };
        *ended.entry(state).or_default() += 1;
    }
    findings.saw(format!("operations: {ended:?}"));
}
