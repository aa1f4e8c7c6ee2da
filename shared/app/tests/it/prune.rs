//! What is forgotten after its time.

use ccm_domain::Timestamp;
use ccm_ports::{Clock as _, Login, Query, Writer};

use crate::world::{SECOND, World};

fn login(key: &str, ends_at: Timestamp) -> Login {
    Login {
        key: key.to_owned(),
        rev: 1,
        subject: "4711".to_owned(),
        sid: None,
        name: "ada".to_owned(),
        roles: [].into(),
        began_at: Timestamp::default(),
        ends_at,
        ask_at: None,
    }
}

#[tokio::test]
async fn logins_are_forgotten_once_they_have_ended() {
    let world = World::new(0);
    let now = world.clock.now();
    let logins = &world.fleet.stores.logins;
    for (key, ends_at) in [("ended", now.minus(SECOND)), ("open", now.plus(SECOND))] {
        logins.insert(&login(key, ends_at), &[], Writer::Intent).await.unwrap();
    }

    world.ops(1).prune().await.unwrap();

    let left = logins.list(&Query::default()).await.unwrap().items;
    assert_eq!(left.iter().map(|login| login.key.as_str()).collect::<Vec<_>>(), ["open"]);
}
