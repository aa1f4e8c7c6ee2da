//! Several processes at one database, each with connections of its own.

use ccm_domain::{Epoch, Timestamp};
use ccm_ports::contract::store::Parcel;
use ccm_ports::{Collection, LeaseRole, LeaseStore as _, SecretStore as _, StoreError, Writer};
use ccm_store::{Mongo, OpenOptions};
use secrecy::{ExposeSecret as _, SecretString};

use super::fresh::{Fresh, PATIENCE};

/// Thirty-two times seven.
const OTHER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

const LATER: Timestamp = Timestamp::from_millis(4_000_000_000_000);

fn parcels(store: &Mongo) -> &dyn Collection<Parcel> {
    store
}

#[tokio::test]
async fn what_one_seals_another_cannot_write() {
    let fresh = Fresh::new().await;
    let (old, new) = (&fresh.store, fresh.another().await);
    let epoch = old.take(LeaseRole::Scheduler, None, "old").await.unwrap();
    let mut parcel = Parcel::new("p");
    parcels(old).insert(&parcel, &[], Writer::Leader(epoch)).await.unwrap();

    let seen = new.read(LeaseRole::Scheduler).await.unwrap();
    let next = new.take(LeaseRole::Scheduler, seen.as_ref(), "new").await.unwrap();
    assert_eq!(new.seal(next).await.unwrap(), 1);

    parcel.rev = 2;
    let refused = parcels(old).put(&parcel, &[], Writer::Leader(epoch)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    parcels(&new).put(&parcel, &[], Writer::Leader(next)).await.unwrap();
    assert_eq!(next, Epoch(epoch.0 + 1));
}

#[tokio::test]
async fn all_have_the_same_time() {
    let fresh = Fresh::new().await;
    let another = fresh.another().await;

    let (early, middle, late) =
        (fresh.store.clock().now(), another.clock().now(), fresh.store.clock().now());

    // Both looked at the server within a few milliseconds; a busy machine is given more.
    let slack = 250;
    assert!(early.as_millis() - slack <= middle.as_millis(), "{early:?} {middle:?}");
    assert!(middle.as_millis() <= late.as_millis() + slack, "{middle:?} {late:?}");
}

#[tokio::test]
async fn a_secret_is_read_with_the_same_key_only_and_not_stored_as_it_is() {
    let fresh = Fresh::new().await;
    let secret = SecretString::from("hunter2-hunter2");
    fresh.store.keep("s", &secret, LATER).await.unwrap();

    let revealed = fresh.another().await.reveal("s", Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(revealed.unwrap().expose_secret(), "hunter2-hunter2");

    let other = OpenOptions { timeout: PATIENCE, secret_key: Some(OTHER_KEY.parse().unwrap()) };
    let stranger = Mongo::connect(fresh.url(), other).await.unwrap();
    let refused = stranger.reveal("s", Timestamp::from_millis(0)).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");

    let keyless = OpenOptions { timeout: PATIENCE, secret_key: None };
    let keyless = Mongo::connect(fresh.url(), keyless).await.unwrap();
    let refused = keyless.keep("t", &secret, LATER).await.unwrap_err();
    let told = format!("{:#}", anyhow::Error::new(refused));
    assert!(told.contains("store.secret_key"), "{told}");

    let stored = fresh.raw("secrets").await;
    assert_eq!(stored.len(), 1);
    assert!(!format!("{stored:?}").contains("hunter2"), "{stored:?}");
}
