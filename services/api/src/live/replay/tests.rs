//! How often the log is read.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ccm_domain::Timestamp;
use ccm_events::Change;
use ccm_ports::Logged;
use ccm_store::Embedded;
use futures_util::future::join_all;

use super::*;

/// A log that counts how often it is read.
struct Counted {
    log: Arc<dyn EventLog>,
    reads: AtomicUsize,
}

#[async_trait]
impl EventLog for Counted {
    async fn head(&self) -> Result<u64, StoreError> {
        self.log.head().await
    }

    async fn oldest(&self) -> Result<u64, StoreError> {
        self.log.oldest().await
    }

    async fn append(&self, after: u64, changes: &[Change]) -> Result<Vec<Logged>, StoreError> {
        self.log.append(after, changes).await
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Logged>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.log.read(after, limit).await
    }

    async fn trim(&self, keep_from: u64) -> Result<u64, StoreError> {
        self.log.trim(keep_from).await
    }
}

async fn counted(events: u64) -> Arc<Counted> {
    let log = Embedded::memory().unwrap().stores().log;
    append(&*log, 0, events).await;
    Arc::new(Counted { log, reads: AtomicUsize::new(0) })
}

async fn append(log: &dyn EventLog, after: u64, events: u64) {
    let change = |n| Change {
        id: format!("tests/{n}"),
        kind: Kind::SettingsChanged,
        subject: Subject::Fleet("settings".to_owned()),
        time: Timestamp::from_millis(1_770_000_000_000),
        data: serde_json::json!({}).into(),
        traceparent: None,
    };
    let changes: Vec<_> = (after + 1..=after + events).map(change).collect();
    log.append(after, &changes).await.unwrap();
}

async fn read_all(replay: &Replay, after: u64, to: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    let mut reached = after;
    while reached < to {
        let Ok(page) = replay.page(reached, to).await else { panic!("stopped behind {reached}") };
        let fresh =
            page.iter().map(|entry| entry.seq).filter(|seq| (reached + 1..=to).contains(seq));
        seqs.extend(fresh);
        reached = *seqs.last().unwrap();
    }
    seqs
}

#[tokio::test]
async fn readers_that_come_back_together_share_what_is_read() {
    let log = counted(2_300).await;
    let replay = Replay::new(log.clone());

    let readers = (0..200).map(|nth| read_all(&replay, nth * 7, 2_300));
    let all = join_all(readers).await;

    for (nth, seqs) in (0..).zip(all) {
        assert!(seqs.iter().copied().eq(nth * 7 + 1..=2_300), "reader {nth}");
    }
    assert_eq!(log.reads.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_page_that_grew_is_read_again() {
    let log = counted(10).await;
    let replay = Replay::new(log.clone());
    assert_eq!(read_all(&replay, 7, 10).await, [8, 9, 10]);

    append(&*log.log, 10, 5).await;

    assert_eq!(read_all(&replay, 9, 15).await, [10, 11, 12, 13, 14, 15]);
    assert_eq!(log.reads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn pages_are_kept_within_bounds() {
    let log = counted(12_000).await;
    let replay = Replay::new(log.clone());

    read_all(&replay, 0, 12_000).await;

    assert_eq!(replay.slots.lock().unwrap().len(), KEPT);
}

#[tokio::test]
async fn what_the_log_forgot_stops_the_replay() {
    let log = counted(20).await;
    log.trim(11).await.unwrap();
    let replay = Replay::new(log);

    assert!(matches!(replay.page(5, 20).await, Err(Stopped::Forgotten)));
    assert_eq!(read_all(&replay, 10, 20).await.len(), 10);
}
