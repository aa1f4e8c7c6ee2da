//! Who shares a snapshot, and what is in its parts.

use std::sync::atomic::{AtomicUsize, Ordering};

use ccm_domain::Timestamp;
use ccm_events::{Change, Event};
use ccm_fanout::Limits;
use futures_util::future::join_all;
use serde_json::json;

use super::*;

fn worker(n: u64) -> WorkerId {
    WorkerId::new(uuid::Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | n))
}

/// Snapshots of so many workers, and how often they were read.
fn snapshots(workers: u64) -> (Arc<Snapshots>, Hub, Arc<AtomicUsize>) {
    let hub = Hub::new(Limits::default());
    hub.start(0);
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let source: Source = Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok((0..workers).map(|n| json!({ "id": worker(n), "rev": 1 })).collect())
        })
    });
    (Arc::new(Snapshots::new(hub.clone(), source)), hub, reads)
}

fn publish(hub: &Hub, seq: u64) {
    let change = Change {
        id: format!("tests/{seq}"),
        kind: Kind::WorkerStateChanged,
        subject: Subject::Worker(worker(1)),
        time: Timestamp::from_millis(1_770_000_000_000),
        data: json!({}).into(),
        traceparent: None,
    };
    hub.publish(&Event::logged(seq, &change)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn readers_that_come_together_share_one_snapshot() {
    let (snapshots, _, reads) = snapshots(3);

    join_all((0..500).map(|_| snapshots.since(0))).await;

    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_never_older_than_the_event_it_is_behind() {
    let (snapshots, hub, reads) = snapshots(3);
    snapshots.since(0).await.unwrap();

    publish(&hub, 1);
    let fresh = snapshots.since(1).await.unwrap();

    assert_eq!((fresh.cursor, reads.load(Ordering::SeqCst)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_not_shared_for_long() {
    let (snapshots, _, reads) = snapshots(3);
    snapshots.since(0).await.unwrap();

    tokio::time::sleep(SHARED_FOR).await;
    snapshots.since(0).await.unwrap();

    assert_eq!(reads.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn only_the_last_part_moves_the_cursor_and_nothing_invisible_is_in_any() {
    let (snapshots, _, _) = snapshots(250);
    let snapshot = snapshots.since(0).await.unwrap();
    let frames = |filter: &Filter| -> Vec<String> {
        let frames = snapshot.frames(7, filter);
        frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
    };

    let all = frames(&Filter::default());
    let hidden = Filter::default().seen_by(Arc::new(|_, _| false));

    assert_eq!(all.len(), 3);
    assert!(all[0].starts_with("event: snapshot\ndata: {\"cursor\":7,\"part\":1,\"of\":3,"));
    assert!(all[2].starts_with("id: 7\nevent: snapshot\n"));
    assert_eq!(all.iter().map(|frame| frame.matches("\"rev\"").count()).sum::<usize>(), 250);
    let expected =
        "id: 7\nevent: snapshot\ndata: {\"cursor\":7,\"part\":1,\"of\":1,\"workers\":[]}\n\n";
    assert_eq!(frames(&hidden), [expected]);
}
