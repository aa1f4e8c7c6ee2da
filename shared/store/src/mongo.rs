//! A MongoDB server (5.0 or later) or one that speaks its protocol: the store that processes share.
//!
//! One collection for each type of document; every port is implemented for the one handle, [`Mongo`].
//!
//! ```text
//! { _id: key, rev, guard,              what writes are filtered by
//!   format,                            how much its writer knew of it; the first when left out
//!   doc: { … },                        the aggregate, as serde tells it
//!   f: { name: "…", tag: ["…", "…"] }, what lists filter and sort by
//!   unique: ["…"],                     left out when there is none
//!   changes: [{ id, at, body }],       not yet told, oldest first; left out when there is none
//!   waiting: at }                      the oldest of them; there as long as `changes` is
//! ```
//!
//! **Durability.** Writes are acknowledged when they are in the journal of a majority; what others act on is read
//! with majority concern. Where there is no replica set, the one server's journal is all there is.
//!
//! **Invariant:** every write of a port is one write of one document, so no replica set is needed for it to be
//! atomic; what touches many documents ([`seal`](ccm_ports::LeaseStore::seal), `told`) may be repeated.
//! **Invariant:** nothing is tried again unless it is known not to have happened. Who is told
//! [`StoreError::Unavailable`] does not know, and reads again.

mod clock;
mod collection;
mod error;
mod indexes;
mod lease;
mod list;
mod log;
mod newer;
mod outbox;
mod samples;
mod secrets;
mod settings;
mod stored;
mod window;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ccm_ports::{SharedClock, StoreError, StoreProbe, Stores};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection, Database};

use self::clock::StoreClock;
use self::error::{Fault, classify, ended, late};
use self::window::Window;
use crate::fenced::Fenced;
use crate::vault::Vault;
use crate::{MongoUrl, OpenOptions};

/// A database on a server; cheap to clone.
#[derive(Clone)]
pub struct Mongo {
    parts: Arc<Parts>,
}

struct Parts {
    db: Database,
    timeout: Duration,
    /// None without a key; secrets are refused then.
    vault: Option<Vault>,
    clock: StoreClock,
    fenced: Fenced,
    window: Window,
}

impl Mongo {
    /// Connects, makes the indexes that are missing, and learns what time it is on the server.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server is not there in time or refuses, [`StoreError::Corrupt`] when
    /// the address makes no sense or the database has other indexes under the names of ours.
    pub async fn connect(url: &MongoUrl, options: OpenOptions) -> Result<Self, StoreError> {
        let OpenOptions { timeout, secret_key } = options;
        let vault = secret_key.as_ref().map(Vault::new).transpose()?;
        let parsed = settings::parse(url, timeout).await?;
        let client = Client::with_options(parsed).map_err(|err| classify("make a client", &err))?;
        let first = clock::look(&client, timeout).await?;
        let db = settings::database(&client, url, timeout, first.is_replicated);
        let clock = StoreClock::starting_at(first.ahead);
        let store = Self {
            parts: Arc::new(Parts {
                db,
                timeout,
                vault,
                clock,
                fenced: Fenced::default(),
                window: Window::default(),
            }),
        };
        indexes::make(&store).await?;
        Ok(store)
    }

    /// Returns the ports of the product, all of them on this store.
    #[must_use]
    pub fn stores(&self) -> Stores {
        Stores::of(self.clone())
    }

    /// Returns the server's clock, which all processes of this store share.
    ///
    /// It is compared again when the store is [asked for a sign of life](StoreProbe::ping), every half minute at
    /// most; in between it goes on by this machine's monotonic clock, so that nobody's wall clock matters.
    #[must_use]
    pub fn clock(&self) -> SharedClock {
        self.parts.clock.shared()
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.parts.db.collection(name)
    }

    /// Waits for a call, no longer than a call may take; `op` says in errors what was attempted.
    ///
    /// The call runs on its own and to its end: the driver's state is not made for calls that are dropped half
    /// way, and so whoever stops waiting does not undo the work.
    async fn run<T, F>(&self, op: &'static str, call: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
    {
        run(op, self.parts.timeout, call).await
    }

    /// The same for calls that follow from each other's answers.
    async fn run_all<T, F>(&self, op: &'static str, calls: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        to_its_end(op, self.parts.timeout, calls).await?
    }
}

async fn run<T, F>(op: &'static str, timeout: Duration, call: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: Future<Output = mongodb::error::Result<T>> + Send + 'static,
{
    to_its_end(op, timeout, call).await?.map_err(|err| classify(op, &err))
}

async fn to_its_end<T, F>(op: &'static str, timeout: Duration, work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "waited for in the next line, see `Mongo::run`")]
    let work = tokio::spawn(work);
    match tokio::time::timeout(timeout, work).await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(err)) => Err(ended(op, err)),
        Err(_) => Err(late(op, timeout)),
    }
}

#[async_trait]
impl StoreProbe for Mongo {
    /// Compares the clocks, too, when that is due.
    async fn ping(&self) -> Result<(), StoreError> {
        let log = self.collection::<Document>(log::STATE);
        self.run("look at the store", async move { log.find_one(doc! {}).await }).await?;
        if self.parts.clock.is_due() {
            let look = clock::look(self.parts.db.client(), self.parts.timeout).await?;
            self.parts.clock.correct(look);
        }
        Ok(())
    }

    fn fenced(&self) -> u64 {
        self.parts.fenced.count()
    }
}

impl std::fmt::Debug for Mongo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mongo").field("database", &self.parts.db.name()).finish_non_exhaustive()
    }
}
