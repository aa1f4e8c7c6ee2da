//! The suite, stamped for the in-process bus.

use async_trait::async_trait;
use ccm_bus::LocalBus;
use ccm_bus::local::LocalLimits;
use ccm_ports::contract::bus::World;
use ccm_ports::{Bell, Chime, EventFeed, EventPublisher};
use futures_util::StreamExt;

const HISTORY: usize = 256;
const BACKLOG: usize = 128;

struct Local(LocalBus);

#[async_trait]
impl World for Local {
    fn publisher(&self) -> &dyn EventPublisher {
        &self.0
    }

    fn feed(&self) -> &dyn EventFeed {
        &self.0
    }

    fn bell(&self) -> &dyn Bell {
        &self.0
    }

    fn history(&self) -> (usize, usize) {
        (HISTORY, HISTORY)
    }

    fn flood(&self) -> usize {
        3 * BACKLOG
    }
}

fn bus() -> LocalBus {
    LocalBus::new(LocalLimits { history: HISTORY, backlog: BACKLOG })
}

ccm_ports::bus_contract!(Local(bus()));

#[tokio::test]
async fn streams_end_when_the_bus_is_closed() {
    let bus = bus();
    let mut events = bus.subscribe().await.unwrap();
    let mut bell = bus.listen(Chime::Outbox).await;

    drop(bus);

    assert_eq!(events.next().await, None);
    assert_eq!(bell.next().await, None);
}
