//! Event streams over real sockets: where they begin and what they tell.

use ccm_config::Span;
use ccm_domain::InstanceState;
use ccm_events::{Event, Kind, Subject};
use ccm_ports::EventPublisher;
use serde_json::json;

use crate::app::TestApp;
use crate::reader::{Served, change, changes, log, worker};

#[tokio::test]
async fn a_reader_without_a_cursor_gets_a_snapshot_and_then_what_happens() {
    let served = Served::new().await;
    let known = served.app.running().await;
    served.tell(&changes(1..=3)).await;

    let mut reader = served.connect("").await;
    let first = reader.block().await.unwrap();
    assert!(first.retry.is_some_and(|ms| (1_000..=3_000).contains(&ms)), "{first:?}");
    let workers = reader.snapshot().await;
    served.tell(&changes(4..=5)).await;

    assert_eq!(workers.len(), 1);
    assert_eq!(workers[0]["id"], known.id.to_string());
    assert_eq!(workers[0], served.app.get(&format!("/workers/{}", known.id)).await.expect(200));
    let cursor = reader.cursor.unwrap();
    let event = reader.event().await;
    assert_eq!((event.id, event.event.as_deref()), (Some(4), Some("worker.state_changed")));
    assert_eq!(event.data["sequence"], "4");
    assert_eq!(reader.ids(1).await, [5]);
    assert!(cursor <= 3);
    served.stop().await;
}

#[tokio::test]
async fn the_head_keeps_proxies_from_holding_it_back() {
    let served = Served::new().await;
    let reader = served.connect_with("", &[("accept-encoding", "gzip")]).await;

    assert_eq!(reader.status(), "200");
    assert_eq!(reader.header("content-type"), "text/event-stream");
    assert_eq!(reader.header("cache-control"), "no-store, no-transform");
    assert_eq!(reader.header("x-accel-buffering"), "no");
    assert_eq!((reader.header("content-encoding"), reader.header("content-length")), ("", ""));
    served.stop().await;
}

#[tokio::test]
async fn a_large_fleet_comes_in_parts_of_a_hundred() {
    let served = Served::new().await;
    for number in 1..=101 {
        served.app.worker(number, InstanceState::Stopped).await;
    }

    let mut reader = served.connect("").await;
    let part = reader.event().await;

    assert_eq!((&part.data["part"], &part.data["of"]), (&json!(1), &json!(2)));
    assert_eq!(part.data["workers"].as_array().unwrap().len(), 100);
    assert_eq!(reader.snapshot().await.len(), 1);
    served.stop().await;
}

#[tokio::test]
async fn a_reader_that_comes_back_goes_on_where_it_was() {
    let served = Served::new().await;
    served.tell(&changes(1..=5)).await;

    let mut by_header = served.connect_with("", &[("last-event-id", "3")]).await;
    let mut by_query = served.connect("?last_event_id=4").await;
    let mut by_both = served.connect_with("?last_event_id=1", &[("Last-Event-ID", "2")]).await;

    by_header.block().await.unwrap();
    let prime = by_header.block().await.unwrap();
    assert_eq!((prime.id, prime.event), (Some(3), None));
    assert_eq!(by_header.ids(2).await, [4, 5]);
    assert_eq!(by_query.ids(1).await, [5]);
    // A browser repeats its first address with an older query; what it says by itself is newer.
    assert_eq!(by_both.ids(3).await, [3, 4, 5]);
    served.stop().await;
}

#[tokio::test]
async fn what_the_ring_does_not_have_is_replayed_from_the_log() {
    let app = TestApp::new();
    log(&app, &changes(1..=2_600)).await;
    let served = Served::with(app, |_| {}).await;

    let mut reader = served.connect("?last_event_id=40").await;
    served.tell(&changes(2_601..=2_602)).await;

    let ids = reader.ids(2_562).await;
    assert!(ids.iter().copied().eq(41..=2_602), "{} events", ids.len());
    served.stop().await;
}

#[tokio::test]
async fn a_replay_is_filtered_as_what_happens_is() {
    let app = TestApp::new();
    for first in [1, 1_001, 2_001] {
        log(&app, &changes(first..=first + 999)).await;
        log(&app, &[change(Kind::LabRemoved, &worker(2), first)]).await;
    }
    let served = Served::with(app, |_| {}).await;

    let mut reader = served.connect("?last_event_id=5&types=lab.*").await;
    served.tell(&changes(9_001..=9_003)).await;
    served.tell(&[change(Kind::LabCreated, &worker(3), 1)]).await;

    assert_eq!(reader.ids(4).await, [1_001, 2_002, 3_003, 3_007]);
    served.stop().await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_continued_is_told_and_everything_is_sent_again() {
    let app = TestApp::new();
    log(&app, &changes(1..=13_000)).await;
    app.stores().log.trim(3_001).await.unwrap();
    let served = Served::with(app, |_| {}).await;
    served.app.running().await;

    for (query, header, reason, requested) in [
        ("?last_event_id=99999", None, "unknown_position", json!(99_999)),
        ("?last_event_id=10", None, "too_far_behind", json!(10)),
        ("?last_event_id=2999", None, "too_far_behind", json!(2_999)),
        ("", Some("0190-of-somebody-else"), "unknown_position", json!(null)),
    ] {
        let headers: Vec<_> = header.map(|id| ("last-event-id", id)).into_iter().collect();
        let mut reader = served.connect_with(query, &headers).await;
        let resync = reader.event().await;
        assert_eq!((resync.event.as_deref(), resync.id), (Some("resync"), None), "{query}");
        let expected = json!({"reason": reason, "requested": requested, "last": 13_000});
        assert_eq!(resync.data, expected, "{query}");
        assert_eq!(reader.snapshot().await.len(), 1, "{query}");
        assert_eq!(reader.cursor, Some(13_000), "{query}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_log_that_was_trimmed_in_front_of_the_cursor_is_told() {
    let app = TestApp::new();
    log(&app, &changes(1..=5_000)).await;
    app.stores().log.trim(1_001).await.unwrap();
    let served = Served::with(app, |_| {}).await;

    let mut reader = served.connect("?last_event_id=700").await;
    let mut just_there = served.connect("?last_event_id=1000").await;

    assert_eq!(reader.event().await.data["reason"], "too_old");
    assert_eq!(reader.snapshot().await.len(), 0);
    assert_eq!(just_there.ids(1).await, [1_001]);
    served.stop().await;
}

#[tokio::test]
async fn filters_choose_by_worker_lab_and_type() {
    let served = Served::new().await;
    let (one, other) = (worker(1), worker(2));
    let lab = Subject::Lab(one.worker().unwrap(), "lab-1".parse().unwrap());
    let id = one.worker().unwrap();
    let mut by_worker = served.connect(&format!("?workers={id}&last_event_id=0")).await;
    let mut by_lab = served.connect("?labs=lab-1&last_event_id=0").await;
    let mut by_type = served.connect("?types=worker.paused,lab.*&last_event_id=0").await;

    served
        .tell(&[
            change(Kind::WorkerPaused, &other, 1),
            change(Kind::WorkerStateChanged, &one, 2),
            change(Kind::LabChanged, &lab, 3),
            change(Kind::SettingsChanged, &Subject::Fleet("settings".to_owned()), 4),
            change(Kind::WorkerPaused, &one, 5),
            change(Kind::LabRemoved, &lab, 6),
        ])
        .await;

    assert_eq!(by_worker.ids(4).await, [2, 3, 5, 6]);
    assert_eq!(by_lab.ids(2).await, [3, 6]);
    assert_eq!(by_type.ids(4).await, [1, 3, 5, 6]);
    served.stop().await;
}

#[tokio::test]
async fn a_snapshot_has_the_workers_that_were_asked_for() {
    let served = Served::new().await;
    let wanted = served.app.running().await;
    served.app.stopped().await;

    let mut reader = served.connect(&format!("?workers={}", wanted.id)).await;
    let workers = reader.snapshot().await;

    assert_eq!(workers.len(), 1);
    assert_eq!(workers[0]["id"], wanted.id.to_string());
    served.stop().await;
}

#[tokio::test]
async fn bad_parameters_are_refused_by_name() {
    let served = Served::new().await;
    for (query, pointer) in [
        ("?workers=worker-1", "query/workers"),
        ("?labs=a%2Fb", "query/labs"),
        ("?types=worker.exploded", "query/types"),
        ("?last_event_id=soon", "query/last_event_id"),
        ("?last_event_id=-1", "query/last_event_id"),
        ("?type=worker.*", "query/type"),
    ] {
        let answer = served.app.get(&format!("/events{query}")).await;
        answer.refused(400, "invalid_query");
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
    served.stop().await;
}

#[tokio::test]
async fn heartbeats_move_the_cursor_of_a_reader_that_hears_nothing() {
    let served = Served::with(TestApp::new(), |config| {
        config.sse.heartbeat = Span::from_millis(20);
    })
    .await;
    let mut quiet = served.connect("?types=settings.changed&last_event_id=0").await;

    served.tell(&changes(1..=50)).await;
    while quiet.cursor != Some(50) {
        let block = quiet.block().await.unwrap();
        assert_eq!((block.event, block.data), (None, json!(null)));
    }

    // However far the ring went on, it comes back without a snapshot.
    let mut again = served.connect("?types=settings.changed&last_event_id=50").await;
    again.block().await.unwrap();
    assert_eq!(again.block().await.unwrap().id, Some(50));
    served.stop().await;
}

#[tokio::test]
async fn readings_are_told_without_an_id() {
    let served = Served::new().await;
    let mut reader = served.connect("?types=worker.metrics").await;
    reader.snapshot().await;

    let reading = change(Kind::WorkerMetrics, &worker(1), 7);
    served.app.bus.tell(&Event::ephemeral(&reading)).await.unwrap();

    let event = reader.event().await;
    assert_eq!((event.id, event.event.as_deref()), (None, Some("worker.metrics")));
    assert_eq!(event.data["data"]["n"], 7);
    served.stop().await;
}

#[tokio::test]
async fn what_the_bus_lost_is_read_from_the_log() {
    let served = Served::new().await;
    let mut reader = served.connect("?last_event_id=0").await;
    served.tell(&changes(1..=2)).await;

    // Three and four are logged, but the bus forgets everything before it tells them.
    served.log(&changes(3..=4)).await;
    served.app.bus.clear().await.unwrap();
    let last = served.log(&changes(5..=5)).await;
    served.app.bus.append(&last).await.unwrap();

    assert_eq!(reader.ids(5).await, [1, 2, 3, 4, 5]);
    served.stop().await;
}

#[tokio::test]
async fn a_log_that_went_back_ends_the_streams_that_are_ahead_of_it() {
    let served = Served::new().await;
    let ahead = Event::logged(1, &changes(1..=1)[0]);
    let mut reader = served.connect("?last_event_id=0").await;

    // One event and heard: of more, the end of the log might be noticed before the stream is ahead of it.
    served.app.bus.append(&[ahead]).await.unwrap();
    assert_eq!(reader.ids(1).await, [1]);
    served.app.bus.clear().await.unwrap();

    assert_eq!(reader.goodbye().await, "interrupted");
    let mut again = served.connect("?last_event_id=1").await;
    assert_eq!(again.event().await.data["reason"], "unknown_position");
    served.stop().await;
}

#[tokio::test]
async fn what_the_bus_has_beyond_the_log_is_told_to_nobody() {
    let app = TestApp::new();
    let mut before = log(&app, &changes(1..=2)).await;
    // Until the store was set back.
    before.extend((3..=5).map(|seq| Event::logged(seq, &changes(seq..=seq)[0])));
    app.bus.append(&before).await.unwrap();
    let served = Served::with(app, |_| {}).await;

    let mut reader = served.connect("?last_event_id=0").await;
    assert_eq!(reader.ids(2).await, [1, 2]);
    let mut fresh = served.connect("").await;
    fresh.snapshot().await;
    // As the relay does when it sees it.
    served.app.bus.clear().await.unwrap();
    served.tell(&changes(13..=13)).await;

    let event = reader.event().await;
    assert_eq!((event.id, &event.data["data"]["n"]), (Some(3), &json!(13)));
    assert_eq!((fresh.cursor, fresh.ids(1).await), (Some(2), vec![3]));
    served.stop().await;
}

#[tokio::test]
async fn the_log_is_read_in_pages() {
    let app = TestApp::new();
    log(&app, &changes(1..=5)).await;
    app.stores().log.trim(2).await.unwrap();

    let page = app.get("/events/log?after=0&limit=3").await.expect(200);
    assert_eq!(
        (&page["next_cursor"], &page["oldest"], &page["head"]),
        (&json!("4"), &json!(2), &json!(5))
    );
    let sequences: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|event| event["sequence"].clone()).collect();
    assert_eq!(sequences, ["2", "3", "4"]);
    assert_eq!(page["items"][0]["specversion"], "1.0");

    let rest = app.get("/events/log?after=4").await.expect(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &json!(null)));
    for (query, pointer) in [("limit=0", "query/limit"), ("after=x", "query/after")] {
        let answer = app.get(&format!("/events/log?{query}")).await;
        answer.refused(400, "invalid_query");
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
}
