//! The suite, stamped for Redis: on the server of `CCM_TEST_REDIS_URL`, and on servers of our own for what
//! can go wrong with them.

mod bells;
mod cluster;
mod faults;
mod follower;
mod losses;
mod proxy;
mod sentinel;
mod server;
mod tls;
mod world;

use ccm_bus::{Place, open};
use ccm_ports::{Bell, Chime, EventFeed, EventPublisher, Heard};
use futures_util::StreamExt;

use self::server::given;
use self::world::{World, log};

ccm_ports::bus_contract!(World::new(&given()));

#[tokio::test]
async fn streams_end_when_the_bus_is_closed() {
    let world = World::new(&given());
    let mut events = world.bus.subscribe().await.unwrap();
    let mut bell = world.bus.listen(Chime::Outbox).await;

    drop(world);

    assert_eq!(events.next().await, None);
    assert_eq!(bell.next().await, None);
}

#[tokio::test]
async fn a_place_opens_as_the_bus_that_it_names() {
    let place: Place = given().parse().unwrap();
    let world = World::new(&given());

    let bus = open(&place, &world.namespace, 1_000).unwrap();

    let mut heard = bus.feed.subscribe().await.unwrap();
    bus.publisher.append(&log(1..=1)).await.unwrap();
    assert_eq!(heard.next().await, Some(Heard::Event(log(1..=1).remove(0))));
    assert_eq!(world.bus.last().await.unwrap(), 1);
}
