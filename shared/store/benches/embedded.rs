//! How fast the embedded store is: `cargo bench -p ccm-store`. Prints, and judges nothing.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people at a terminal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ccm_ports::contract::store::Parcel;
use ccm_ports::{EventLog, Outbox, Query, Shared, Writer};
use ccm_store::Embedded;
use futures_util::future::join_all;

/// Documents in the store when it is listed.
const DOCUMENTS: usize = 10_000;
/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` starts benches too, without this word.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (place, store) in [
        ("memory", Embedded::memory().unwrap()),
        ("file", Embedded::open(folder.path().join("ccm.db")).unwrap()),
    ] {
        for writers in [1, 8, 64] {
            let puts = put(&store, writers).await;
            println!("{place:>6}  put with one change, {writers:>2} at once   {puts:>8.0} /s");
        }
        let relayed = relay(&store).await;
        println!("{place:>6}  relay: look, append, take out     {relayed:>8.0} changes/s");
        fill(&store).await;
        for (what, query) in queries() {
            let took = list(&store, &query).await;
            println!(
                "{place:>6}  100 of {DOCUMENTS}, {what:<21}{:>8.0} µs",
                took.as_secs_f64() * 1e6
            );
        }
    }
}

fn parcels(store: &Embedded) -> Shared<Parcel> {
    Arc::new(store.clone())
}

/// A document of half a kilobyte, of which a write changes two fields.
fn parcel(id: &str) -> Parcel {
    let tags: Vec<_> = (0..12).map(|nth| format!("a tag of some length, {nth:02}")).collect();
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    Parcel::new(id).labeled("00000001").tagged(&tags).marked(&[id])
}

async fn put(store: &Embedded, writers: usize) -> f64 {
    let begun = Instant::now();
    let write = |nth: usize| async move {
        let all = parcels(store);
        let mut doc = parcel(&format!("put-{writers}-{nth}"));
        all.insert(&doc, &[], Writer::Intent).await.unwrap();
        while begun.elapsed() < SPAN {
            doc = doc.next().labeled(&format!("{:08}", doc.rev));
            all.put(&doc, &[doc.change(0)], Writer::Intent).await.unwrap();
        }
        doc.rev
    };
    let written: u64 = join_all((0..writers).map(write)).await.into_iter().sum();
    written as f64 / begun.elapsed().as_secs_f64()
}

async fn relay(store: &Embedded) -> f64 {
    let begun = Instant::now();
    let mut relayed = 0;
    while begun.elapsed() < SPAN {
        let seen = store.pending(256).await.unwrap();
        if seen.is_empty() {
            break;
        }
        let changes: Vec<_> = seen.iter().flat_map(|pending| pending.changes.clone()).collect();
        let head = store.head().await.unwrap();
        relayed += store.append(head, &changes).await.unwrap().len();
        store.told(&seen).await.unwrap();
    }
    relayed as f64 / begun.elapsed().as_secs_f64()
}

async fn fill(store: &Embedded) {
    let all = parcels(store);
    let add = |nth: usize| {
        let all = all.clone();
        let tags = ["all", if nth.is_multiple_of(500) { "rare" } else { "often" }];
        let doc = parcel(&format!("{nth:05}")).labeled(&format!("{:05}", nth * 7 % DOCUMENTS));
        async move { all.insert(&doc.tagged(&tags), &[], Writer::Intent).await.unwrap() }
    };
    join_all((0..DOCUMENTS).map(add)).await;
}

fn queries() -> [(&'static str, Query); 4] {
    let all = Query::default().limit(100);
    [
        ("by key", all.clone()),
        ("by a field", all.clone().by("label", true)),
        ("frequent, by a field", all.clone().is("tag", "often").by("label", true)),
        ("rare, by a field", all.is("tag", "rare").by("label", true)),
    ]
}

/// Returns the median.
async fn list(store: &Embedded, query: &Query) -> Duration {
    let all = parcels(store);
    let mut took = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < SPAN / 4 {
        let at = Instant::now();
        all.list(query).await.unwrap();
        took.push(at.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2]
}
