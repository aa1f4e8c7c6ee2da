//! Hints over Redis that comes and goes.

use std::time::Duration;

use ccm_bus::RedisBus;
use ccm_ports::{Bell, Chime};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::server::Server;
use super::world::{bus, until_ok};

/// Rings until it is heard: a ring may be lost.
async fn must_ring(bus: &RedisBus, heard: &mut BoxStream<'static, ()>) {
    until_ok(async || {
        bus.ring(Chime::Outbox).await;
        tokio::time::timeout(Duration::from_millis(100), heard.next()).await
    })
    .await
    .expect("the bell goes on");
}

#[tokio::test]
async fn a_bell_is_heard_in_other_processes() {
    let server = Server::start();
    let (api, relay) = (bus(&server.url()), bus(&server.url()));
    let mut heard = relay.listen(Chime::Outbox).await;

    api.ring(Chime::Outbox).await;

    let rung = tokio::time::timeout(Duration::from_secs(5), heard.next()).await;
    assert_eq!(rung, Ok(Some(())));
}

#[tokio::test]
async fn a_bell_that_is_cut_off_rings_when_it_is_back_and_goes_on() {
    let mut server = Server::start();
    let bus = bus(&server.url());
    let mut heard = bus.listen(Chime::Outbox).await;
    must_ring(&bus, &mut heard).await;

    server.restart();

    // Nobody rang, but somebody may have.
    let rung = tokio::time::timeout(Duration::from_secs(10), heard.next()).await;
    assert_eq!(rung, Ok(Some(())));
    must_ring(&bus, &mut heard).await;
}

#[tokio::test]
async fn whoever_listens_before_there_is_a_server_hears_it_later() {
    let mut server = Server::start();
    let bus = bus(&server.url());
    server.kill();
    let mut heard = bus.listen(Chime::Outbox).await;

    server.revive();

    must_ring(&bus, &mut heard).await;
}

#[tokio::test]
async fn listeners_of_one_process_share_one_connection() {
    let server = Server::start();
    let bus = bus(&server.url());

    let mut listeners = Vec::new();
    for chime in [Chime::Outbox, Chime::Commands, Chime::Lease, Chime::Outbox] {
        listeners.push(bus.listen(chime).await);
    }

    let clients: String = server.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    assert_eq!(clients.lines().count(), 1, "{clients}");
}
