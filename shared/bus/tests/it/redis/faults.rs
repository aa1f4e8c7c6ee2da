//! Redis does not answer, or not everybody.

use std::time::{Duration, Instant};

use ccm_bus::RedisBus;
use ccm_ports::{Bell, BusError, Chime, EventFeed, EventPublisher, Heard};

use super::proxy::Proxy;
use super::server::Server;
use super::world::{bus, event, gap, hear, log, next, servers, until_ok, until_well};

/// How soon a subscription that hears nothing is noticed, and how soon it hears again.
const SOON: Duration = Duration::from_secs(5);
/// How soon a call fails.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Every call says that the bus is away, in time.
async fn must_be_unavailable(bus: &RedisBus, case: &str) {
    type Call<'a> = std::pin::Pin<Box<dyn Future<Output = Option<BusError>> + 'a>>;
    let events = log(1..=1);
    let calls: Vec<(&str, Call<'_>)> = vec![
        ("last", Box::pin(async { bus.last().await.err() })),
        ("append", Box::pin(async { bus.append(&events).await.err() })),
        ("clear", Box::pin(async { bus.clear().await.err() })),
        ("tell", Box::pin(async { bus.tell(&events[0]).await.err() })),
        ("subscribe", Box::pin(async { bus.subscribe().await.err() })),
        ("history", Box::pin(async { bus.history(0, 10).await.err() })),
        ("kept", Box::pin(async { bus.kept().await.err() })),
    ];
    for (name, call) in calls {
        let began = Instant::now();
        let err = call.await;
        assert!(matches!(err, Some(BusError::Unavailable(_))), "{case}: {name}: {err:?}");
        assert!(began.elapsed() < AT_ONCE, "{case}: {name} took {:?}", began.elapsed());
    }
    let began = Instant::now();
    for _ in 0..100 {
        bus.ring(Chime::Outbox).await;
    }
    assert!(began.elapsed() < AT_ONCE / 2, "{case}: 100 rings took {:?}", began.elapsed());
}

#[tokio::test]
async fn calls_fail_at_once_when_nothing_listens() {
    let mut server = Server::start();
    let bus = bus(&server.url());
    server.kill();

    must_be_unavailable(&bus, "killed").await;

    let began = Instant::now();
    let _bell = bus.listen(Chime::Outbox).await;
    assert!(began.elapsed() < AT_ONCE, "listening took {:?}", began.elapsed());
    server.revive();
    until_ok(async || bus.append(&log(1..=1)).await).await;
}

#[tokio::test]
async fn a_stopped_server_is_noticed_and_heard_again_when_it_goes_on() {
    let server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=1)).await.unwrap();
    hear(&mut heard, 1).await;

    server.stop(true);
    let began = Instant::now();
    until_well(&bus, false).await;
    let noticed = began.elapsed();
    must_be_unavailable(&bus, "stopped").await;
    server.stop(false);
    let began = Instant::now();
    gap(&mut heard).await;
    let back = began.elapsed();
    until_well(&bus, true).await;

    assert!(noticed < SOON, "noticed after {noticed:?}");
    assert!(back < SOON, "heard again after {back:?}");
    println!("stopped: noticed after {noticed:?}, heard again after {back:?}");
    until_ok(async || bus.append(&log(1..=2)).await).await;
    hear(&mut heard, 2).await;
}

#[tokio::test]
async fn a_half_dead_connection_is_made_anew_and_tells_of_the_gap() {
    let server = Server::start();
    let proxy = Proxy::to(server.port()).await;
    let (relay, api) = (bus(&server.url()), bus(&format!("redis://{}", proxy.address)));
    let mut heard = api.subscribe().await.unwrap();
    relay.append(&log(1..=1)).await.unwrap();
    hear(&mut heard, 1).await;

    proxy.forget();
    relay.append(&log(2..=2)).await.unwrap();
    let began = Instant::now();
    let told = next(&mut heard).await;
    let took = began.elapsed();

    assert_eq!(told, Heard::Gap);
    assert!(took < SOON, "heard again after {took:?}");
    println!("half-dead: heard again after {took:?}");
    relay.append(&log(3..=3)).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::Event(log([3]).remove(0)));
    until_well(&api, true).await;
}

#[tokio::test]
async fn a_subscription_that_is_killed_goes_on_behind_a_gap() {
    let server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.subscribe().await.unwrap();

    for seq in 1..=5 {
        server.ask::<u64>(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        let began = Instant::now();
        gap(&mut heard).await;
        assert!(began.elapsed() < SOON, "{seq}: heard again after {:?}", began.elapsed());
        bus.append(&log([seq])).await.unwrap();
        hear(&mut heard, seq).await;
    }
    until_well(&bus, true).await;
}

#[tokio::test]
async fn a_subscription_that_is_dropped_leaves_nothing_behind() {
    let server = Server::start();
    let bus = bus(&server.url());
    let subscription = bus.subscribe().await.unwrap();
    server.wait_for(&["CLIENT", "LIST", "TYPE", "pubsub"], "sub=2");
    server.stop(true);
    until_well(&bus, false).await;

    drop(subscription);

    until_well(&bus, true).await;
    server.stop(false);
    until_ok(async || match server.ask::<String>(&["CLIENT", "LIST", "TYPE", "pubsub"]).as_str() {
        "" => Ok(()),
        left => Err(left.to_owned()),
    })
    .await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_a_gap() {
    let server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.subscribe().await.unwrap();
    bus.append(&log(1..=1)).await.unwrap();
    hear(&mut heard, 1).await;

    for text in ["{}", "", "nonsense", "{\"type\":\"io.ccm.unheard_of.v9\",\"subject\":\"x\"}"] {
        server.ask::<()>(&["PUBLISH", "ccm:{main}:live", text]);
        assert_eq!(next(&mut heard).await, Heard::Gap, "{text}");
        bus.tell(&event(1, "")).await.unwrap();
        hear(&mut heard, 1).await;
    }
}

#[tokio::test]
async fn history_ends_before_an_entry_that_cannot_be_read() {
    let server = Server::start();
    let bus = bus(&server.url());
    bus.append(&log(1..=2)).await.unwrap();
    server.ask::<()>(&[
        "XADD",
        "ccm:{main}:log",
        "3-0",
        "event",
        "{\"type\":\"of a newer version\"}",
    ]);
    bus.append(&log([4])).await.unwrap();

    assert_eq!(bus.history(0, 10).await.unwrap(), log(1..=2));
    assert_eq!(bus.history(2, 10).await.unwrap(), []);
    assert_eq!(bus.history(3, 10).await.unwrap(), log([4]));
}

#[tokio::test]
async fn a_password_opens_the_server_and_is_shown_nowhere() {
    let server = Server::with(&["requirepass open-sesame"]);
    let at = format!("127.0.0.1:{}", server.port());
    let right = bus(&format!("redis://:open-sesame@{at}"));
    let wrong = bus(&format!("redis://:open-barley@{at}"));

    right.append(&log(1..=1)).await.unwrap();
    let mut heard = right.subscribe().await.unwrap();
    right.append(&log([2])).await.unwrap();
    hear(&mut heard, 2).await;
    let refused = [wrong.last().await.unwrap_err(), wrong.subscribe().await.err().unwrap()];

    for err in refused {
        let shown = format!("{err} {err:?} {wrong:?}");
        assert!(!shown.contains("barley"), "{shown}");
        assert!(shown.contains("WRONGPASS"), "{shown}");
    }
}

#[tokio::test]
async fn databases_of_one_server_are_apart() {
    let server = Server::start();
    let (one, other) = (bus(&format!("{}/1", server.url())), bus(&format!("{}/2", server.url())));

    one.append(&log(1..=1)).await.unwrap();

    assert_eq!((one.last().await.unwrap(), other.last().await.unwrap()), (1, 0));
    assert_eq!(servers(&format!("{}/1", server.url())).to_string(), format!("{}/1", server.url()));
}
