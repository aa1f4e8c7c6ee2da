//! What every store of secrets must do. That they are encrypted at rest is for each adapter to show.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use ccm_domain::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::store::World;

/// Stamps the suite out as tests; takes an expression that makes a fresh
/// [`World`](crate::contract::store::World), `.await` allowed.
#[macro_export]
macro_rules! secrets_contract {
    ($world:expr) => {
        $crate::secrets_contract! { @each $world;
            a_secret_is_revealed_until_it_expires
            a_secret_of_any_text_reads_back
            a_secret_is_replaced_with_its_expiry
            a_dropped_secret_is_gone
            expired_secrets_are_dropped_and_counted
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::secrets::$name(&world).await;
            }
        )*
    };
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

async fn keep(world: &dyn World, id: &str, text: &str, expires: i64) {
    world.secrets().keep(id, &SecretString::from(text), at(expires)).await.unwrap();
}

async fn reveal(world: &dyn World, id: &str, now: i64) -> Option<String> {
    let secret = world.secrets().reveal(id, at(now)).await.unwrap();
    secret.map(|secret| secret.expose_secret().to_owned())
}

/// At its expiry it is expired.
pub async fn a_secret_is_revealed_until_it_expires(world: &dyn World) {
    keep(world, "token", "hunter2", 1_000).await;

    assert_eq!(reveal(world, "token", 0).await.as_deref(), Some("hunter2"));
    assert_eq!(reveal(world, "token", 999).await.as_deref(), Some("hunter2"));
    assert_eq!(reveal(world, "token", 1_000).await, None);
    assert_eq!(reveal(world, "other", 0).await, None);
}

/// Empty, long, or in any script.
pub async fn a_secret_of_any_text_reads_back(world: &dyn World) {
    let long = "s3cret-".repeat(2_000);
    for text in ["", "ünï\n\"cödé\" 🦀", &long] {
        keep(world, "token", text, 1_000).await;

        assert_eq!(reveal(world, "token", 0).await.as_deref(), Some(text));
    }
}

/// Nothing of the older one stays.
pub async fn a_secret_is_replaced_with_its_expiry(world: &dyn World) {
    keep(world, "token", "first", 1_000).await;
    keep(world, "token", "second", 2_000).await;
    assert_eq!(reveal(world, "token", 1_500).await.as_deref(), Some("second"));

    keep(world, "token", "third", 500).await;

    assert_eq!(reveal(world, "token", 499).await.as_deref(), Some("third"));
    assert_eq!(reveal(world, "token", 500).await, None);
}

/// Once, twice, or without ever having been there.
pub async fn a_dropped_secret_is_gone(world: &dyn World) {
    keep(world, "token", "hunter2", 1_000).await;
    keep(world, "other", "hunter3", 1_000).await;

    for _ in 0..2 {
        world.secrets().drop_secret("token").await.unwrap();
    }

    assert_eq!(reveal(world, "token", 0).await, None);
    assert_eq!(reveal(world, "other", 0).await.as_deref(), Some("hunter3"));
}

/// And the others stay.
pub async fn expired_secrets_are_dropped_and_counted(world: &dyn World) {
    for (id, expires) in [("a", 1_000), ("b", 2_000), ("c", 3_000)] {
        keep(world, id, "hunter2", expires).await;
    }

    assert_eq!(world.secrets().drop_expired(at(2_000)).await.unwrap(), 2);
    assert_eq!(world.secrets().drop_expired(at(2_000)).await.unwrap(), 0);

    assert_eq!(reveal(world, "b", 0).await, None);
    assert_eq!(reveal(world, "c", 0).await.as_deref(), Some("hunter2"));
}
