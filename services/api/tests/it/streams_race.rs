//! Snapshot, replay and what happens, raced: whatever the order, a reader ends up with what is stored.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ccm_config::Span;
use ccm_domain::{InstanceState, WorkerId};
use ccm_events::Event;
use ccm_ports::{BusError, EventFeed, EventPublisher, Heard};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::app::TestApp;
use crate::reader::{Block, Served, changes};
use crate::world::{LEADER, instance};

const WORKERS: u32 = 4;
const UPDATES: u32 = 60;

/// What a page of the UI knows.
#[derive(Default)]
struct Page {
    workers: BTreeMap<String, Value>,
    /// Workers of a snapshot that is not complete.
    parts: Vec<Value>,
}

impl Page {
    fn take(&mut self, block: &Block) {
        let data = &block.data;
        match block.event.as_deref() {
            Some("snapshot") => {
                self.parts.extend(data["workers"].as_array().unwrap().clone());
                if data["part"] == data["of"] {
                    let whole = self.parts.drain(..);
                    self.workers =
                        whole.map(|w| (w["id"].as_str().unwrap().to_owned(), w)).collect();
                }
            }
            Some(name) if name.starts_with("worker.") => self.patch(&data["data"]),
            Some(_) | None => {}
        }
    }

    /// Takes the fields of an event, unless what is known is as new.
    fn patch(&mut self, fields: &Value) {
        let id = fields["id"].as_str().unwrap().to_owned();
        let known = self.workers.entry(id).or_insert_with(|| serde_json::json!({"rev": 0}));
        if fields["rev"].as_u64() > known["rev"].as_u64() {
            let known = known.as_object_mut().unwrap();
            known.extend(fields.as_object().unwrap().clone());
        }
    }
}

/// Turns instances on and off.
async fn change_workers(app: &TestApp, ids: &[WorkerId]) {
    for round in 0..UPDATES {
        for (number, id) in (1..).zip(ids) {
            let on = (round + number) % 2 == 0;
            let state = if on { InstanceState::Running } else { InstanceState::Stopped };
            let now = app.fleet.now();
            let observe = |worker: &mut ccm_domain::Worker| {
                worker.observe_instance(&instance(number, state), None, now);
                Ok(())
            };
            let workers = &app.stores().workers;
            app.fleet.update(workers, &id.to_string(), LEADER, observe).await.unwrap();
            tokio::task::yield_now().await;
        }
    }
}

/// Does what the relay does, until told to stop and nothing waits.
async fn relay(app: &TestApp, stop: &AtomicBool) {
    let (outbox, log) = (&app.stores().outbox, &app.stores().log);
    loop {
        let last_time = stop.load(Ordering::SeqCst);
        let pending = outbox.pending(7).await.unwrap();
        let waiting: Vec<_> = pending.iter().flat_map(|one| one.changes.clone()).collect();
        let head = log.head().await.unwrap();
        let logged = log.append(head, &waiting).await.unwrap();
        let events: Vec<_> = logged.iter().map(|one| Event::logged(one.seq, &one.change)).collect();
        app.bus.append(&events).await.unwrap();
        outbox.told(&pending).await.unwrap();
        if last_time && pending.is_empty() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Reads with interruptions until the end of the log is reached; sometimes begins anew.
async fn read(served: &Served, stay: usize, done: &AtomicBool) -> Page {
    let mut page = Page::default();
    let mut query = String::new();
    loop {
        let mut reader = served.connect(&query).await;
        for _ in 0..stay {
            let Some(block) = reader.block().await else { break };
            page.take(&block);
            let told = done.load(Ordering::SeqCst);
            if told && reader.cursor == Some(served.app.stores().log.head().await.unwrap()) {
                return page;
            }
        }
        // What was not a whole snapshot is nothing to go on from.
        page.parts.clear();
        query = reader.cursor.map(|id| format!("?last_event_id={id}")).unwrap_or_default();
        if stay.is_multiple_of(3) {
            query.clear();
        }
    }
}

#[tokio::test]
async fn however_readers_come_and_go_they_end_up_with_what_is_stored() {
    let served = Served::with(TestApp::new(), |config| {
        config.sse.heartbeat = Span::from_millis(20);
    })
    .await;
    let mut ids = Vec::new();
    for number in 1..=WORKERS {
        ids.push(served.app.worker(number, InstanceState::Stopped).await.id);
    }
    let (written, told) = (AtomicBool::new(false), AtomicBool::new(false));
    let write = async {
        change_workers(&served.app, &ids).await;
        written.store(true, Ordering::SeqCst);
    };
    let tell = async {
        relay(&served.app, &written).await;
        told.store(true, Ordering::SeqCst);
    };
    let readers = [3, 4, 7, 12, 30, 100_000].map(|stay| Box::pin(read(&served, stay, &told)));

    let ((), (), pages) = tokio::join!(write, tell, futures_util::future::join_all(readers));

    for (nth, page) in pages.iter().enumerate() {
        assert_eq!(page.workers.len(), ids.len(), "reader {nth}");
        for id in &ids {
            let stored = serde_json::to_value(served.app.find(*id).await.view()).unwrap();
            let known = &page.workers[&id.to_string()];
            for field in ["rev", "state", "service", "instance_id", "name"] {
                assert_eq!(known[field], stored[field], "reader {nth}, {field} of {id}");
            }
        }
    }
    served.stop().await;
}

/// A bus whose subscriptions break after a few events, and cannot be had again at once.
struct Fragile {
    bus: ccm_bus::LocalBus,
    refuse: AtomicBool,
}

#[async_trait]
impl EventFeed for Fragile {
    async fn subscribe(&self) -> Result<BoxStream<'static, Heard>, BusError> {
        if self.refuse.fetch_xor(true, Ordering::SeqCst) {
            return Err(BusError::Unavailable(anyhow::anyhow!("connection refused")));
        }
        Ok(self.bus.subscribe().await?.take(3).boxed())
    }

    async fn history(&self, after: u64, limit: usize) -> Result<Vec<Event>, BusError> {
        self.bus.history(after, limit).await
    }

    async fn kept(&self) -> Result<Option<(u64, u64)>, BusError> {
        self.bus.kept().await
    }
}

#[tokio::test]
async fn a_bus_that_breaks_again_and_again_costs_nobody_an_event() {
    let app = TestApp::new();
    let fragile = Fragile { bus: app.bus.clone(), refuse: AtomicBool::new(false) };
    let served = Served::over(app, std::sync::Arc::new(fragile)).await;
    let mut reader = served.connect("?last_event_id=0").await;

    for first in (1..=15).step_by(3) {
        served.tell(&changes(first..=first + 2)).await;
        assert_eq!(reader.ids(3).await, [first, first + 1, first + 2]);
    }
    served.stop().await;
}

/// A bus that nobody can reach.
struct Away;

#[async_trait]
impl EventFeed for Away {
    async fn subscribe(&self) -> Result<BoxStream<'static, Heard>, BusError> {
        Err(BusError::Unavailable(anyhow::anyhow!("connection refused")))
    }

    async fn history(&self, _: u64, _: usize) -> Result<Vec<Event>, BusError> {
        Err(BusError::Unavailable(anyhow::anyhow!("connection refused")))
    }

    async fn kept(&self) -> Result<Option<(u64, u64)>, BusError> {
        Err(BusError::Unavailable(anyhow::anyhow!("connection refused")))
    }
}

#[tokio::test]
async fn without_a_bus_readers_hear_everything_from_the_log_and_readiness_says_so() {
    let served = Served::over(TestApp::new(), std::sync::Arc::new(Away)).await;
    let mut reader = served.connect("?last_event_id=0").await;

    for first in [1, 4] {
        served.tell(&changes(first..=first + 2)).await;
        assert_eq!(reader.ids(3).await, [first, first + 1, first + 2]);
    }

    let readiness = served.app.shell.ready.check().await;
    assert!(readiness.ready && readiness.parts["events"].contains("log"), "{readiness:?}");
    served.stop().await;
}
