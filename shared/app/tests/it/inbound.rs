//! Events from outside: what they lead to, once, whoever takes them and whatever fails in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ccm_app::{Declined, Fleet, Inbound, InboundOptions, Outcome};
use ccm_domain::{ActorKind, Command, CommandKind, InstanceState, Worker};
use ccm_events::Change;
use ccm_events::foreign::{Gate, Message, Unreadable};
use ccm_ports::{
    Clock as _, Collection, Page, Query, Receipt, Shared, StoreError, SystemClock, Writer,
};
use serde_json::{Value, json};

use crate::world::{World, instance};

const TOKEN: &str = "a-token-of-twenty-xx";

fn inbound(fleet: &Fleet, rate: u32) -> Inbound {
    let gate = Gate::read([], [TOKEN]).unwrap();
    let origins = vec!["eventbridge.example".to_owned()];
    Inbound::new(fleet.clone(), InboundOptions { gate, rate, origins })
}

fn event(id: &str, data: &Value) -> Value {
    let kind = "org.example.happened";
    json!({"specversion": "1.0", "id": id, "source": "/here", "type": kind, "data": data})
}

fn notice(id: &str, instance: &str, state: &str) -> Value {
    let detail = json!({"instance-id": instance, "state": state});
    event(id, &json!({"detail-type": "EC2 Instance State-change Notification", "detail": detail}))
}

async fn send_with(
    inbound: &Inbound,
    token: &str,
    events: &Value,
) -> Result<Vec<Outcome>, Declined> {
    let media = if events.is_array() { "cloudevents-batch" } else { "cloudevents" };
    let (media, bearer) = (format!("application/{media}+json"), format!("Bearer {token}"));
    let headers: [(&str, &[u8]); 2] =
        [("content-type", media.as_bytes()), ("authorization", bearer.as_bytes())];
    let body = events.to_string();
    let message = Message { headers: &headers, body: body.as_bytes() };
    inbound.receive(&message, SystemClock.now()).await
}

async fn send(inbound: &Inbound, events: &Value) -> Result<Vec<Outcome>, Declined> {
    send_with(inbound, TOKEN, events).await
}

async fn commands(fleet: &Fleet) -> Vec<Command> {
    fleet.stores.commands.list(&Query::default()).await.unwrap().items
}

async fn receipts(fleet: &Fleet) -> Vec<Receipt> {
    fleet.stores.receipts.list(&Query::default()).await.unwrap().items
}

async fn world() -> (World, Worker) {
    let world = World::fleet_of(1).await;
    let worker = world.serving().await;
    (world, worker)
}

#[tokio::test]
async fn a_notice_of_an_instance_asks_for_a_look_at_its_worker_once() {
    let (world, worker) = world().await;
    let inbound = inbound(&world.fleet, 300);
    let stopping = notice("a-1", instance(&worker).as_str(), "stopping");

    assert_eq!(send(&inbound, &stopping).await.unwrap(), [Outcome::Look]);
    assert_eq!(send(&inbound, &stopping).await.unwrap(), [Outcome::Known]);

    let asked = commands(&world.fleet).await;
    let kind = CommandKind::LookAtWorker { worker: worker.id, told: InstanceState::Stopping };
    assert_eq!((asked.len(), &asked[0].kind), (1, &kind));
    assert_eq!((asked[0].asked_by.kind, asked[0].not_before), (ActorKind::External, world.now()));
    let kept = receipts(&world.fleet).await;
    assert_eq!((kept.len(), kept[0].outcome.as_str(), kept[0].id.as_str()), (1, "look", "a-1"));
}

#[tokio::test]
async fn a_later_state_is_looked_at_again_while_the_first_look_is_open() {
    let (world, worker) = world().await;
    let (inbound, id) = (inbound(&world.fleet, 300), instance(&worker).as_str().to_owned());

    let batch = json!([
        notice("a-1", &id, "stopping"),
        notice("a-2", &id, "stopping"),
        notice("a-3", &id, "stopped"),
    ]);
    assert_eq!(send(&inbound, &batch).await.unwrap(), [Outcome::Look; 3]);

    let told: Vec<_> =
        commands(&world.fleet).await.into_iter().map(|c| c.kind.fold_key()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

#[tokio::test]
async fn what_nobody_acts_on_is_known_and_left_alone() {
    let (world, worker) = world().await;
    let inbound = inbound(&world.fleet, 300);
    world.sim.cloud().terminate_as_console(instance(&worker)).unwrap();
    world.clock.advance(Duration::from_secs(600));
    world.sweep(1).await;
    let before = commands(&world.fleet).await.len();

    for (sent, outcome) in [
        (event("a-1", &json!({"any": "thing"})), Outcome::Ignored),
        (event("a-1", &json!({"any": "other thing"})), Outcome::Known),
        (notice("a-2", "i-0123456789abcdef0", "running"), Outcome::NoWorker),
        (notice("a-3", instance(&worker).as_str(), "terminated"), Outcome::NoWorker),
    ] {
        assert_eq!(send(&inbound, &sent).await.unwrap(), [outcome], "{sent}");
    }

    assert_eq!(commands(&world.fleet).await.len(), before);
    assert_eq!(receipts(&world.fleet).await.len(), 3);
}

#[tokio::test]
async fn one_event_that_two_processes_take_at_once_leads_to_one_look() {
    let (world, worker) = world().await;
    let stopping = notice("a-1", instance(&worker).as_str(), "stopping");
    let all: Vec<Inbound> = (0..8).map(|_| inbound(&world.fleet, 300)).collect();

    let sent = all.iter().map(|inbound| send(inbound, &stopping));
    for outcome in futures_util::future::join_all(sent).await {
        assert!(matches!(outcome.unwrap()[..], [Outcome::Look | Outcome::Known]));
    }

    assert_eq!(commands(&world.fleet).await.len(), 1);
    assert_eq!(receipts(&world.fleet).await.len(), 1);
}

/// Receipts that cannot be kept at first.
struct Forgetful {
    inner: Shared<Receipt>,
    fails: AtomicBool,
}

#[async_trait]
impl Collection<Receipt> for Forgetful {
    async fn find(&self, key: &str) -> Result<Option<Receipt>, StoreError> {
        self.inner.find(key).await
    }

    async fn list(&self, query: &Query) -> Result<Page<Receipt>, StoreError> {
        self.inner.list(query).await
    }

    async fn insert(&self, doc: &Receipt, all: &[Change], by: Writer) -> Result<(), StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable(anyhow::anyhow!("the store is away")));
        }
        self.inner.insert(doc, all, by).await
    }

    async fn put(&self, doc: &Receipt, all: &[Change], by: Writer) -> Result<(), StoreError> {
        self.inner.put(doc, all, by).await
    }

    async fn remove(&self, key: &str, rev: u64, by: Writer) -> Result<(), StoreError> {
        self.inner.remove(key, rev, by).await
    }
}

#[tokio::test]
async fn an_event_that_failed_half_way_is_dealt_with_when_it_comes_again() {
    let (world, worker) = world().await;
    let receipts_kept = Arc::clone(&world.fleet.stores.receipts);
    let forgetful = Arc::new(Forgetful { inner: receipts_kept, fails: AtomicBool::new(true) });
    let mut fleet = world.fleet.clone();
    fleet.stores.receipts = forgetful.clone();
    let inbound = inbound(&fleet, 300);
    let stopping = notice("a-1", instance(&worker).as_str(), "stopping");

    let failed = send(&inbound, &stopping).await.unwrap_err();
    assert!(matches!(failed, Declined::Failed(_)), "{failed:?}");
    assert_eq!(receipts(&world.fleet).await.len(), 0);
    forgetful.fails.store(false, Ordering::SeqCst);

    assert_eq!(send(&inbound, &stopping).await.unwrap(), [Outcome::Look]);
    assert_eq!(commands(&world.fleet).await.len(), 1);
    assert_eq!(send(&inbound, &stopping).await.unwrap(), [Outcome::Known]);
}

#[tokio::test]
async fn strangers_and_broken_messages_leave_nothing_behind() {
    let (world, worker) = world().await;
    let id = instance(&worker).as_str();
    let inbound = inbound(&world.fleet, 300);
    let closed = InboundOptions { gate: Gate::default(), rate: 300, origins: Vec::new() };
    let closed = Inbound::new(world.fleet.clone(), closed);
    let good = notice("a-1", id, "stopping");

    let declined = send(&closed, &good).await.unwrap_err();
    assert!(matches!(declined, Declined::Closed), "{declined:?}");
    let declined = send_with(&inbound, "guessed", &good).await.unwrap_err();
    assert!(matches!(declined, Declined::Stranger(_)), "{declined:?}");
    let batch = json!([good, notice("a-2", "i-7", "stopping")]);
    let declined = send(&inbound, &batch).await.unwrap_err();
    let Declined::Unreadable(Unreadable::Invalid(faults)) = declined else { panic!() };
    assert_eq!(faults[0].pointer, "/1/data/detail/instance-id");

    assert!(commands(&world.fleet).await.is_empty());
    assert!(receipts(&world.fleet).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn more_events_than_the_rate_are_declined_until_there_is_room() {
    let world = World::new(1);
    let inbound = inbound(&world.fleet, 6);
    let batch = |from: usize, count: usize| {
        let all = (from..from + count).map(|n| event(&format!("a-{n}"), &Value::Null));
        Value::Array(all.collect())
    };

    // Larger than the rate, and taken all the same, since nothing of it was used.
    assert_eq!(send(&inbound, &batch(0, 9)).await.unwrap().len(), 9);
    let declined = send(&inbound, &batch(9, 1)).await.unwrap_err();
    let Declined::TooMany { rate: 6, wait } = declined else { panic!("{declined:?}") };
    assert_eq!(wait, Duration::from_secs(40));
    assert_eq!(receipts(&world.fleet).await.len(), 9);

    tokio::time::advance(wait).await;
    assert_eq!(send(&inbound, &batch(9, 1)).await.unwrap().len(), 1);
    assert!(send(&inbound, &batch(10, 1)).await.is_err());
}

#[tokio::test]
async fn consent_is_given_to_senders_that_are_named() {
    let world = World::new(1);
    let inbound = inbound(&world.fleet, 300);

    let consent = inbound.consent(Some("EventBridge.example")).unwrap();
    assert_eq!((consent.origin.as_str(), consent.rate), ("EventBridge.example", 300));
    assert_eq!(inbound.consent(Some("evil.example")), None);
    assert_eq!(inbound.consent(None), None);
}
