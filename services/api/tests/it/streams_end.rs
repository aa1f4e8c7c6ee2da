//! How event streams end: slow readers, full houses, kicks, age, and a process that stops.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ccm_config::section::DrainSection;
use ccm_config::{Size, Span};
use ccm_events::{Change, Kind};
use ccm_ports::{Process, Writer};
use http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::app::TestApp;
use crate::reader::{Served, change, changes, worker};

/// Larger changes, so that buffers fill quickly.
fn large(range: std::ops::RangeInclusive<u64>) -> Vec<Change> {
    let filler = "x".repeat(16 << 10);
    range
        .map(|n| {
            let mut change = change(Kind::WorkerDetailsChanged, &worker(1), n);
            change.data = json!({ "filler": filler }).into();
            change
        })
        .collect()
}

async fn with_little_patience() -> Served {
    Served::with(TestApp::new(), |config| {
        config.sse.max_pending_bytes = Size::from_bytes(64 << 10);
    })
    .await
}

#[tokio::test]
async fn a_slow_reader_is_told_so_and_resumes_while_others_notice_nothing() {
    const LAST: u64 = 600;
    let served = with_little_patience().await;
    let mut slow = served.connect_narrow().await;
    slow.snapshot().await;
    let mut quick = served.connect("?last_event_id=0").await;

    for first in (1..=LAST).step_by(2) {
        served.tell(&large(first..=first + 1)).await;
        assert_eq!(quick.ids(2).await, [first, first + 1]);
    }
    let mut got = Vec::new();
    let reason = loop {
        let block = slow.event().await;
        match block.event.as_deref() {
            Some("bye") => break block.data["reason"].clone(),
            _ => got.extend(block.id),
        }
    };

    assert_eq!(reason, "too_slow");
    assert_eq!(slow.block().await, None);
    assert!(got.len() < 600, "the reader was not slow");
    let mut again = served.connect(&format!("?last_event_id={}", slow.cursor.unwrap())).await;
    got.extend(again.ids(600 - got.len()).await);
    assert!(got.iter().copied().eq(1..=LAST), "{got:?}");
    served.stop().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_cut_off() {
    let served = with_little_patience().await;
    let mut stuck = served.connect_narrow().await;
    stuck.snapshot().await;

    served.tell(&large(1..=400)).await;

    stuck.closed().await;
    let (_, list) = served.call("GET", "/system/streams").await;
    assert_eq!(list["items"], json!([]));
    served.stop().await;
}

#[tokio::test]
async fn a_full_house_says_when_to_come_back_in_the_words_of_the_reader() {
    let served = Served::with(TestApp::new(), |config| config.sse.max_clients = 1).await;
    let mut inside = served.connect("?last_event_id=0").await;

    let mut browser = served.connect_with("", &[("accept", "text/event-stream")]).await;
    let program = served.connect_with("", &[("accept", "*/*")]).await;

    // Anything but 200 would make a browser give up for good.
    assert_eq!((browser.status(), browser.header("content-type")), ("200", "text/event-stream"));
    let told = browser.rest().await;
    assert!(told[0].retry.is_some_and(|ms| ms >= 2_000), "{told:?}");
    assert_eq!(told[1].data["reason"], "overloaded");
    assert_eq!(program.status(), "503");
    assert!(program.header("retry-after").parse::<u64>().unwrap() >= 1);
    let metrics = served.app.shell.metrics.render().unwrap();
    assert!(metrics.contains("ccm_sse_turned_away_total{reason=\"overloaded\"} 2"), "{metrics}");
    // Nobody who is inside has to go for it.
    served.tell(&changes(1..=1)).await;
    assert_eq!(inside.ids(1).await, [1]);
    served.stop().await;
}

#[tokio::test]
async fn a_stream_can_be_seen_and_ended() {
    let served = Served::new().await;
    let mut reader = served.connect_with("?types=worker.*", &[("x-ccm-user", "ada")]).await;
    reader.snapshot().await;
    served.tell(&changes(1..=2)).await;
    reader.ids(2).await;

    let (_, list) = served.call("GET", "/system/streams").await;
    let stream = &list["items"][0];
    assert_eq!((&stream["user"], &stream["address"]), (&json!("ada"), &json!("127.0.0.1")));
    assert_eq!((&stream["cursor"], &stream["lag"]), (&json!(2), &json!(0)));
    assert_eq!(stream["connected_at"], "2026-02-02T02:40:00Z");
    let ended = served.call("DELETE", &format!("/system/streams/{}", stream["id"])).await;

    assert_eq!(ended.0, 204);
    assert_eq!(reader.goodbye().await, "kicked");
    assert_eq!(served.call("GET", "/system/streams").await.1["items"], json!([]));
    served.stop().await;
}

#[tokio::test]
async fn a_stream_ends_at_its_age_and_says_so() {
    let served = Served::with(TestApp::new(), |config| {
        config.sse.max_age = Span::from_millis(30);
    })
    .await;

    let mut reader = served.connect("").await;

    assert_eq!(reader.goodbye().await, "max_age");
    served.stop().await;
}

#[tokio::test]
async fn readers_above_the_share_of_a_process_are_sent_to_others_and_miss_nothing() {
    let app = TestApp::new();
    let now = app.fleet.now();
    let elsewhere = Process {
        id: Uuid::now_v7(),
        rev: 1,
        name: "api-2".to_owned(),
        roles: vec!["api".to_owned()],
        version: "1".to_owned(),
        commit: "c".to_owned(),
        started_at: now,
        seen_at: now,
        parts: BTreeMap::new(),
        streams: Some(4),
    };
    app.stores().processes.insert(&elsewhere, &[], Writer::Intent).await.unwrap();
    let every = Span::from_millis(300);
    let served = Served::with(app, |config| config.sse.rebalance = every).await;
    let mut readers = Vec::new();
    for _ in 0..12 {
        let mut reader = served.connect("").await;
        reader.snapshot().await;
        readers.push(reader);
    }

    // The four that came first; with the rest it is even.
    let mut cursors = Vec::new();
    for reader in &mut readers[..4] {
        assert_eq!(reader.goodbye().await, "rebalance");
        cursors.push(reader.cursor.unwrap());
    }
    served.tell(&changes(1..=1)).await;

    for reader in &mut readers[4..] {
        assert_eq!(reader.ids(1).await, [1]);
    }
    let metrics = served.app.shell.metrics.render().unwrap();
    assert!(metrics.contains("ccm_sse_ended_total{reason=\"rebalance\"} 4"), "{metrics}");
    for cursor in cursors {
        let mut again = served.connect(&format!("?last_event_id={cursor}")).await;
        assert_eq!(again.ids(1).await, [1]);
    }
    served.stop().await;
}

#[tokio::test]
async fn a_process_that_stops_says_goodbye_to_every_reader_and_lets_none_in() {
    let drain = DrainSection { streams: Span::from_millis(800), ..DrainSection::for_testing() };
    let streams = drain.clone();
    let served = Served::with(TestApp::new(), |config| config.drain = streams).await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        let mut reader = served.connect("").await;
        reader.snapshot().await;
        readers.push(reader);
    }
    let (shell, began) = (served.app.shell.clone(), Instant::now());

    let goodbyes = async {
        served.app.shell.draining().cancelled().await;
        // Until their turn comes, readers hear what happens.
        served.tell(&changes(1..=1)).await;
        let mut late = served.connect_with("", &[("accept", "text/event-stream")]).await;
        assert_eq!(late.goodbye().await, "drain");
        let mut ends = Vec::new();
        for mut reader in readers {
            assert_eq!(reader.goodbye().await, "drain");
            ends.push(reader.cursor);
        }
        ends
    };
    let (stopped, cursors) = tokio::join!(shell.stop(&drain), goodbyes);

    stopped.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(cursors.contains(&Some(1)), "all ended at once: {cursors:?}");
}

#[tokio::test]
async fn roles_that_may_not_end_streams_do_not() {
    let app = TestApp::new();
    let answer = app.call(Method::DELETE, "/system/streams/1").role("operator").send().await;
    answer.refused(403, "forbidden");
}
