//! People who ask for things without end, and what they were promised.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::{Begun, Promises};
use crate::cluster::a_worker;
use crate::rest::{NoAnswer, Rest};

/// Workers that are made at most: each is an instance of the world.
const MOST_MADE: usize = 12;

/// People who ask.
#[derive(Debug)]
pub(crate) struct Asking {
    promises: Arc<Mutex<Promises>>,
    refused: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

struct Person {
    rest: Rest,
    chance: StdRng,
    promises: Arc<Mutex<Promises>>,
    refused: Arc<Mutex<Vec<String>>>,
    pace: Duration,
    nth: usize,
}

impl Asking {
    /// Lets `people` ask, each about once every `pace`. What they ask for follows from `seed`.
    pub(crate) fn start(rest: &Rest, people: usize, pace: Duration, seed: u64) -> Self {
        let (promises, refused) = <(Arc<Mutex<Promises>>, Arc<Mutex<Vec<String>>>)>::default();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for nth in 0..people {
            let person = Person {
                rest: rest.clone(),
                chance: StdRng::seed_from_u64(seed.wrapping_add(nth as u64)),
                promises: Arc::clone(&promises),
                refused: Arc::clone(&refused),
                pace,
                nth,
            };
            let stop = stop.clone();
            tasks.spawn(person.ask_on(stop));
        }
        Self { promises, refused, stop, tasks }
    }

    /// Ends the asking, not in the middle of a question; returns what was promised.
    pub(crate) async fn enough(mut self) -> Promises {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        lock(&self.promises).clone()
    }

    /// Returns answers that nobody should get, whatever is broken: not the product's own words.
    pub(crate) fn oddities(&self) -> Vec<String> {
        lock(&self.refused).clone()
    }

    /// Returns how many operations were promised so far.
    pub(crate) fn promised(&self) -> usize {
        lock(&self.promises).operations.len()
    }
}

impl Person {
    async fn ask_on(mut self, stop: CancellationToken) {
        let mut count = 0;
        while !stop.is_cancelled() {
            count += 1;
            match self.ask(count).await {
                Ok(answer) => {
                    if let Some(begun) = Begun::of(&answer) {
                        lock(&self.promises).operations.push(begun);
                    }
                }
                // It may have been done; nothing was promised.
                Err(NoAnswer::Lost(_)) => {}
                Err(NoAnswer::Refused(answer)) if answer.body["code"].is_string() => {}
                Err(NoAnswer::Refused(answer)) => lock(&self.refused).push(format!("{answer:?}")),
            }
            let pause = self.pace.mul_f64(self.chance.random_range(0.2..1.8));
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    async fn ask(&mut self, count: usize) -> Result<Value, NoAnswer> {
        let wish = ["create", "start", "stop", "refresh", "import", "license", "trigger", "tags"]
            .choose(&mut self.chance)
            .copied()
            .unwrap();
        if wish == "trigger" {
            return self.rest.try_post("/schedules/reconcile_workers/trigger", &json!({})).await;
        }
        if wish == "import" {
            let body = json!({"region": "eu-central-1", "ami_name": "*cml2*", "all": true});
            return self.rest.try_post("/workers/import", &body).await;
        }
        let workers = self.rest.try_get("/workers?limit=1000").await?;
        let workers = workers["items"].as_array().unwrap();
        if wish == "create" || workers.is_empty() {
            return self.create(count).await;
        }
        let worker = workers.choose(&mut self.chance).unwrap()["id"].as_str().unwrap().to_owned();
        match wish {
            "license" => {
                let body = json!({"token": format!("token-{}-{count}", self.nth)});
                self.rest.try_post(&format!("/workers/{worker}/license/register"), &body).await
            }
            "tags" => {
                let path = format!("/workers/{worker}/tags");
                let read = self.rest.send(reqwest::Method::GET, &path, None, &[]).await?;
                let etag = read.etag.unwrap_or_default();
                let body = json!({"tags": {"asked": count.to_string()}});
                let headers = [("if-match", etag.as_str())];
                Ok(self.rest.send(reqwest::Method::PUT, &path, Some(&body), &headers).await?.body)
            }
            _ => self.rest.try_post(&format!("/workers/{worker}/{wish}"), &json!({})).await,
        }
    }

    async fn create(&self, count: usize) -> Result<Value, NoAnswer> {
        if lock(&self.promises).names.len() >= MOST_MADE {
            return Ok(Value::Null);
        }
        let name = format!("made-{}-{count}", self.nth);
        let answer = self.rest.try_post("/workers", &a_worker(&name)).await?;
        lock(&self.promises).names.push(name);
        Ok(answer)
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
