//! Many clients on many threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ccm_events::Kind;
use ccm_fanout::{Filter, Hub, Limits, Told};
use tokio::task::JoinSet;

use crate::desk::{Seen, logged, subscribe, worker};

const LAST: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_come_and_go_while_events_pour_in_miss_nothing() {
    let ring_events = usize::try_from(LAST).unwrap();
    let limits = Limits { ring_events, pending_bytes: 64 << 20, ..Limits::default() };
    let hub = Hub::new(limits);
    hub.start(0);
    let mut clients = JoinSet::new();
    let done = Arc::new(AtomicU64::new(0));
    for nth in 0..16_u64 {
        let (hub, done) = (hub.clone(), Arc::clone(&done));
        clients.spawn(async move {
            // Half of them hear of one worker of four only.
            let mine = (nth % 2 == 0).then(|| worker(nth % 4).worker().unwrap().to_string());
            let filter = Filter::parse(mine.as_deref(), None, None).unwrap();
            let got = read_all(&hub, &filter, 50 + nth).await;
            done.fetch_add(1, Ordering::SeqCst);
            (mine.map(|_| nth % 4), got)
        });
    }

    for seq in 1..=LAST {
        hub.publish(&logged(seq, Kind::WorkerStateChanged, &worker(seq % 4))).unwrap();
        if seq % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }

    while let Some(client) = clients.join_next().await {
        let (mine, got) = client.unwrap();
        let expected = (1..=LAST).filter(|seq| mine.is_none_or(|mine| seq % 4 == mine));
        assert!(got.iter().copied().eq(expected), "{mine:?}: {} events", got.len());
    }
    assert_eq!(hub.stats().clients, 0);
}

/// Reads up to the last event, and connects anew after every `stay` frames.
async fn read_all(hub: &Hub, filter: &Filter, stay: u64) -> Vec<u64> {
    let (mut got, mut cursor) = (Vec::new(), 0);
    while cursor < LAST {
        let mut client = subscribe(hub, filter, Some(cursor)).unwrap().subscription;
        for _ in 0..stay {
            if client.cursor() >= LAST {
                break;
            }
            // The last event may not be for this client: then nothing wakes it.
            let wait = std::time::Duration::from_millis(20);
            match tokio::time::timeout(wait, client.next()).await {
                Ok(Told::Frame(frame)) => got.extend(Seen::read(&frame).seq),
                Ok(Told::End(ended)) => panic!("{ended:?}"),
                Err(_) => {}
            }
        }
        cursor = client.cursor();
    }
    got
}
