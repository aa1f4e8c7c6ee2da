//! From a commit to its event on a stream of an API process that has nothing to do with it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ccm_domain::Worker;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fleet::{Fleet, OF_CHANGE};
use super::{Figure, tries};
use crate::cluster::Cluster;
use crate::sse::Blocks;
use crate::waiting::{PATIENCE, within};

/// Events in a second.
const RATE: u32 = 1_000;
/// Each is changed in its turn, far enough apart that none waits for itself.
const WORKERS: usize = 200;
/// Events that come before those that count: connections are opened, code is read in.
const LEAD_IN: u32 = RATE;

/// A commit: which revision of which worker, and when it was acknowledged.
type Commits = HashMap<(String, u64), Instant>;
/// An event of a worker: its number, its payload, when it came.
type Arrivals = Vec<(u64, String, Instant)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_commit_to_a_stream_elsewhere() {
    let cluster = Cluster::plan().with(2, 0, 1).start().await;
    let fleet = Fleet::of(&cluster).await;
    let mut workers = fleet.make(WORKERS).await;
    cluster.everything_told(PATIENCE).await;
    let before = cluster.head().await;
    let reader = Reader::open(&cluster.pods()[1]);
    reader.reaches(before).await;

    let (_, _, again) = write(&fleet, workers, LEAD_IN).await;
    workers = again;
    let count = RATE * u32::try_from(tries()).unwrap();
    let (commits, span, _) = write(&fleet, workers, count).await;
    cluster.everything_told(PATIENCE).await;
    reader.reaches(cluster.head().await).await;

    let arrivals = reader.close().await;
    let mut latency = Figure::millis("commit_to_stream");
    for (seq, text, at) in &arrivals {
        let told: Value = serde_json::from_str(text).unwrap();
        let (id, rev) = (&told["data"]["id"], &told["data"]["rev"]);
        let commit = (id.as_str().unwrap().to_owned(), rev.as_u64().unwrap());
        if let Some(acknowledged) = commits.get(&commit) {
            latency.add(at.saturating_duration_since(*acknowledged));
        }
        assert!(*seq > before, "{seq} was told before");
    }
    let numbers: Vec<u64> = arrivals.iter().map(|(seq, ..)| *seq).collect();
    let first = numbers.first().copied().unwrap();
    let whole: Vec<u64> = (first..first + arrivals.len() as u64).collect();
    assert_eq!(numbers, whole, "every event once and in order");
    assert_eq!(latency.values.len(), commits.len() * OF_CHANGE);
    let mut rate = Figure::new("commit_to_stream_rate", "/s");
    rate.values.push(f64::from(count) / span.as_secs_f64());
    cluster.end().await;
    latency.tell();
    rate.tell();
}

/// Commits until so many events are to be told, in time whatever the answers take; returns the commits, how
/// long all of it took, and the workers.
async fn write(
    fleet: &Fleet,
    workers: Vec<Worker>,
    events: u32,
) -> (Commits, Duration, Vec<Worker>) {
    let commits = events as usize / OF_CHANGE;
    let apart = Duration::from_secs(1) * u32::try_from(OF_CHANGE).unwrap() / RATE;
    let count = workers.len();
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for (nth, mut worker) in workers.into_iter().enumerate() {
        let fleet = fleet.clone();
        writers.spawn(async move {
            let mut done = Vec::new();
            for nth in (nth..commits).step_by(count) {
                let due = begun + apart * u32::try_from(nth).unwrap();
                tokio::time::sleep_until(due.into()).await;
                let acknowledged = fleet.change(&mut worker).await;
                done.push(((worker.id.to_string(), worker.rev), acknowledged));
            }
            (done, worker)
        });
    }
    let (done, workers): (Vec<_>, Vec<_>) = writers.join_all().await.into_iter().unzip();
    (done.into_iter().flatten().collect(), begun.elapsed(), workers)
}

/// Somebody who hears everything from now on and looks at the clock.
struct Reader {
    reading: JoinSet<Arrivals>,
    last: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
}

impl Reader {
    fn open(pod: &str) -> Self {
        let url = format!("{pod}/api/v1/events");
        let (tell, last) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let mut reading = JoinSet::new();
        reading.spawn(read(url, tell, stopped));
        Self { reading, last, stop }
    }

    async fn reaches(&self, seq: u64) {
        within(PATIENCE, &format!("the reader is at {seq}"), async || {
            let last = *self.last.borrow();
            if last >= seq { Ok(()) } else { Err(last) }
        })
        .await;
    }

    async fn close(self) -> Arrivals {
        self.stop.send_replace(true);
        self.reading.join_all().await.concat()
    }
}

async fn read(
    url: String,
    last: watch::Sender<u64>,
    mut stopped: watch::Receiver<bool>,
) -> Arrivals {
    let request = crate::rest::client().get(url).header("accept", "text/event-stream");
    let mut bytes = request.send().await.unwrap().error_for_status().unwrap().bytes_stream();
    let mut blocks = Blocks::default();
    let mut arrivals = Vec::new();
    loop {
        let chunk = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return arrivals,
            chunk = bytes.next() => chunk,
        };
        let at = Instant::now();
        blocks.feed(&chunk.expect("the stream goes on").unwrap());
        while let Some(block) = blocks.next() {
            let name = block.event.unwrap_or_default();
            assert!(name != "resync" && name != "bye", "{name}");
            let Some(seq) = block.id else { continue };
            if name.starts_with("worker.") {
                arrivals.push((seq, block.data.unwrap_or_default(), at));
            }
            last.send_replace(seq);
        }
    }
}
