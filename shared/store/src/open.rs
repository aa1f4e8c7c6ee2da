//! One way in for every service.

use std::sync::Arc;
use std::time::Duration;

use ccm_ports::{SharedClock, StoreError, Stores, SystemClock};

use crate::{Embedded, Place, SecretKey};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The longest one call may take before the store counts as unavailable.
    ///
    /// Of no meaning for an embedded store, which is in this very process.
    pub timeout: Duration,
    /// What secrets are encrypted with in a store that several processes share.
    ///
    /// Without it such a store refuses secrets. An embedded store has a key of its own.
    pub secret_key: Option<SecretKey>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), secret_key: None }
    }
}

/// A store that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its ports.
    pub stores: Stores,
    /// The time that all processes of this store agree on: the machine's when only one has it.
    pub clock: SharedClock,
}

/// Opens the store.
///
/// # Errors
/// As `Embedded::open` or `Mongo::connect`; [`StoreError::Unavailable`] for a `mongodb:` place in a build
/// without the feature `mongo`.
pub async fn open(place: &Place, options: OpenOptions) -> Result<Opened, StoreError> {
    let embedded =
        |store: Embedded| Opened { stores: store.stores(), clock: Arc::new(SystemClock) };
    match place {
        Place::File(path) => Embedded::open(path).map(embedded),
        Place::Memory => Embedded::memory().map(embedded),
        Place::Mongo(url) => open_mongo(url, options).await,
    }
}

#[cfg(feature = "mongo")]
async fn open_mongo(url: &crate::MongoUrl, options: OpenOptions) -> Result<Opened, StoreError> {
    let store = crate::Mongo::connect(url, options).await?;
    Ok(Opened { stores: store.stores(), clock: store.clock() })
}

#[cfg(not(feature = "mongo"))]
#[expect(clippy::unused_async, reason = "the other build waits for the server")]
async fn open_mongo(_: &crate::MongoUrl, _: OpenOptions) -> Result<Opened, StoreError> {
    Err(StoreError::Unavailable(crate::InvalidPlace::NoMongo.into()))
}
