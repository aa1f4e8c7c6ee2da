//! From a click to the event in the browser: one trace, as a collector sees it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::collector::{Collector, Span};
use crate::place::{binary, free_address};
use crate::process::{Process, Recipe};
use crate::rest::{Answer, Rest, operation_of};
use crate::sse::Blocks;
use crate::waiting::{PATIENCE, eventually, within};

/// What a browser may take to hear of something: a simulated instance starts in seconds.
const LONG: Duration = Duration::from_secs(90);

/// Somebody who looks on through one process, and keeps whole events.
struct Onlooker {
    stream: futures_util::stream::BoxStream<'static, Vec<u8>>,
    blocks: Blocks,
}

impl Onlooker {
    /// Opens a stream; returns once it is past its snapshot.
    async fn open(pod: &str) -> Self {
        let url = format!("{pod}/api/v1/events");
        let answer = crate::rest::client().get(url).send().await.unwrap();
        let stream = answer.bytes_stream().map(|chunk| chunk.unwrap().to_vec()).boxed();
        let mut onlooker = Self { stream, blocks: Blocks::default() };
        onlooker.until("snapshot", |part| part["part"] == part["of"]).await;
        onlooker
    }

    /// Returns the next event of a kind that is the wanted one.
    async fn until(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let heard = async {
            loop {
                while let Some(block) = self.blocks.next() {
                    let data = block.data.as_deref().unwrap_or("null");
                    let event: Value = serde_json::from_str(data).unwrap();
                    if block.event.as_deref() == Some(kind) && is_it(&event) {
                        return event;
                    }
                }
                self.blocks.feed(&self.stream.next().await.expect("the stream goes on"));
            }
        };
        tokio::time::timeout(LONG, heard).await.unwrap_or_else(|_| panic!("no {kind} was heard"))
    }
}

/// A click whose browser began a trace.
struct Click {
    trace: String,
    span: String,
}

impl Click {
    fn new() -> Self {
        let trace = uuid::Uuid::new_v4().simple().to_string();
        Self { trace, span: format!("{:016x}", rand::random::<u64>() | 1) }
    }

    /// Posts it, and checks that the answer names its trace.
    async fn post(&self, rest: &Rest, path: &str) -> Answer {
        let given = format!("00-{}-{}-01", self.trace, self.span);
        let headers = [("traceparent", given.as_str())];
        let body = json!({});
        let answer = rest.send(Method::POST, path, Some(&body), &headers).await.unwrap();
        assert_eq!(trace_in(answer.trace.as_deref()), self.trace, "{answer:?}");
        answer
    }

    fn must_be_of(&self, event: &Value) {
        assert_eq!(trace_in(event["traceparent"].as_str()), self.trace, "{event}");
    }

    /// Waits until the collector has all that is asked for, and checks that it hangs together.
    async fn spans(&self, collector: &Collector, wanted: &[(&str, &str)]) -> Vec<Span> {
        let spans = within(PATIENCE, "all spans of the trace are exported", async || {
            let spans = collector.spans_of(&self.trace);
            let lacks = |(service, name): &&(&str, &str)| {
                !spans.iter().any(|span| span.service == *service && span.name == *name)
            };
            let lacking: Vec<_> = wanted.iter().filter(lacks).collect();
            let known: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
            let orphans: Vec<&Span> = spans
                .iter()
                .filter(|span| span.parent != self.span && !known.contains(&*span.parent))
                .collect();
            if lacking.is_empty() && orphans.is_empty() {
                return Ok(spans);
            }
            let names: BTreeSet<_> = spans.iter().map(|it| (&it.service, &it.name)).collect();
            Err(format!("lacks {lacking:?}; has no parent: {orphans:?}; has {names:?}"))
        })
        .await;
        println!("{} spans of {}", spans.len(), self.trace);
        spans
    }
}

fn trace_in(traceparent: Option<&str>) -> &str {
    let parts: Vec<&str> = traceparent.unwrap_or_default().split('-').collect();
    parts.get(1).copied().unwrap_or_default()
}

/// Returns the span of that name, and checks that it is below `parent`.
fn below<'a>(spans: &'a [Span], parent: &Span, name: &str) -> &'a Span {
    let is_it = |span: &&Span| span.name == name && span.parent == parent.id;
    spans.iter().find(is_it).unwrap_or_else(|| panic!("no {name} below {parent:?} in {spans:#?}"))
}

fn first<'a>(spans: &'a [Span], click: &Click) -> &'a Span {
    spans.iter().find(|span| span.parent == click.span).unwrap()
}

/// Clicks at what changes a worker's power, and follows it to the browser.
async fn power_is_one_trace(rest: &Rest, onlooker: &mut Onlooker) -> Click {
    let worker = eventually("somebody rests", async || {
        let workers = rest.workers().await;
        let states: Vec<_> = workers.iter().map(|it| it["state"].clone()).collect();
        let rests = |it: &Value| {
            matches!(it["state"].as_str(), Some("running" | "stopped"))
                && it["operation"]["ended_at"] != json!(null)
                || it["operation"].is_null()
        };
        workers.into_iter().find(rests).ok_or(states)
    })
    .await;
    let id = worker["id"].as_str().unwrap();
    let (verb, on_the_way, there) = match worker["state"].as_str().unwrap() {
        "stopped" => ("start", "starting", "running"),
        _ => ("stop", "stopping", "stopped"),
    };

    let click = Click::new();
    click.post(rest, &format!("/workers/{id}/{verb}")).await;

    let of_worker = |event: &Value, state: &str| {
        event["subject"] == format!("worker/{id}") && event["data"]["state"] == state
    };
    for state in [on_the_way, there] {
        let event = onlooker.until("worker.state_changed", |it| of_worker(it, state)).await;
        click.must_be_of(&event);
    }
    click
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_and_all_that_it_leads_to_over_four_processes_are_one_trace() {
    let collector = Collector::start().await;
    let plan = Cluster::plan().with(2, 1, 1);
    let cluster = plan.env("CCM_TELEMETRY__OTLP_ENDPOINT", &collector.endpoint()).start().await;
    cluster.import().await;
    let mut onlooker = Onlooker::open(&cluster.pods()[1]).await;
    let rest = cluster.rest.only(0);

    let click = power_is_one_trace(&rest, &mut onlooker).await;

    let (ours, told) = ("ccm-api", "tell worker.state_changed");
    let wanted = [
        ("ccm-scheduler", "step worker"),
        ("ccm-relay", "log worker.spec_changed"),
        ("ccm-relay", "log worker.state_changed"),
        (ours, told),
    ];
    let spans = click.spans(&collector, &wanted).await;
    let request = first(&spans, &click);
    assert_eq!(request.service, ours, "{request:?}");
    assert_eq!(request.attributes["http.response.status_code"], "202");
    let verb = request.name.rsplit('/').next().unwrap();
    let mut steps = spans.iter().filter(|it| it.name == "step worker" && it.parent == request.id);
    assert!(
        steps.any(|step| spans.iter().any(|it| {
            it.parent == step.id
                && it.name == format!("ec2 {verb}")
                && it.service == "ccm-scheduler"
        })),
        "no call to EC2 below a step: {spans:#?}"
    );
    // Both API processes told their readers.
    let pods: BTreeSet<&str> =
        spans.iter().filter(|it| it.name == told).map(|it| it.instance.as_str()).collect();
    assert_eq!(pods.len(), 2, "{pods:?}");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_its_run_and_the_calls_of_the_run_are_one_trace_in_one_process_too() {
    let collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (http, admin) = (free_address(), free_address());
    let recipe = Recipe::new("standalone", binary("ccm-standalone"), folder.path())
        .args(["--simulate", "4", "--speed", "20", "--memory"])
        .env("CCM_HTTP__LISTEN", http.to_string())
        .env("CCM_ADMIN__LISTEN", admin.to_string())
        .env("CCM_DRAIN__DELAY", "0s")
        .env("CCM_DRAIN__STREAMS", "1s")
        .env("CCM_TELEMETRY__OTLP_ENDPOINT", collector.endpoint());
    let mut process = Process::start(recipe);
    let rest = Rest::new(vec![format!("http://{http}")]);
    rest.get("/system").await;
    let mut onlooker = Onlooker::open(&rest.pods()[0]).await;
    let worker = eventually("somebody serves", async || {
        let workers = rest.workers().await;
        let services: Vec<_> = workers.iter().map(|it| it["service"].clone()).collect();
        workers.into_iter().find(|it| it["service"] == "available").ok_or(services)
    })
    .await;

    let click = Click::new();
    let path = format!("/workers/{}/refresh", worker["id"].as_str().unwrap());
    let operation = operation_of(&click.post(&rest, &path).await.body);
    let ran = onlooker.until("run.finished", |it| it["data"]["command"] == operation).await;

    click.must_be_of(&ran);
    let run = rest.get(&format!("/runs/{operation}")).await;
    assert_eq!(run["trace_id"], click.trace, "{run}");
    let us = "ccm-standalone";
    let wanted = [
        (us, "run refresh_worker"),
        (us, "ec2 look"),
        (us, "cml facts"),
        (us, "tell run.finished"),
    ];
    let spans = click.spans(&collector, &wanted).await;
    let run = below(&spans, first(&spans, &click), "run refresh_worker");
    below(&spans, run, "ec2 look");
    below(&spans, run, "cml facts");
    let power = power_is_one_trace(&rest, &mut onlooker).await;
    power.spans(&collector, &[(us, "step worker"), (us, "log worker.state_changed")]).await;
    assert!(process.term(PATIENCE).await.success());
}
