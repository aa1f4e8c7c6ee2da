//! What the suites about stores work on: an empty store, and small documents of their own.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use std::collections::BTreeMap;
use std::sync::Arc;

use ccm_domain::{Timestamp, Worker};
use ccm_events::{Change, Kind, Subject};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::{
    Collection, Document, EventLog, LeaseStore, Outbox, Pending, Query, SampleStore, SecretStore,
    Shared, StoreProbe, Writer,
};

/// A store with all ports, for the documents of the suites.
pub trait Whole:
    Collection<Parcel>
    + Collection<LaterParcel>
    + Collection<Slip>
    + LeaseStore
    + Outbox
    + EventLog
    + SampleStore
    + SecretStore
    + StoreProbe
{
}

impl<S> Whole for S
where
    S: Collection<Parcel> + Collection<LaterParcel> + Collection<Slip>,
    S: LeaseStore + Outbox + EventLog + SampleStore + SecretStore + StoreProbe,
{
}

/// A store with nothing in it at the start of each test.
pub trait World: Send + Sync {
    /// The adapter.
    fn store(&self) -> Arc<dyn Whole>;

    /// Documents that a seal reaches.
    fn parcels(&self) -> Shared<Parcel> {
        self.store()
    }

    /// The same documents as a later release knows them.
    fn later_parcels(&self) -> Shared<LaterParcel> {
        self.store()
    }

    /// Documents that a seal does not reach.
    fn slips(&self) -> Shared<Slip> {
        self.store()
    }

    /// The adapter.
    fn leases(&self) -> Arc<dyn LeaseStore> {
        self.store()
    }

    /// The adapter.
    fn outbox(&self) -> Arc<dyn Outbox> {
        self.store()
    }

    /// The adapter.
    fn log(&self) -> Arc<dyn EventLog> {
        self.store()
    }

    /// The adapter.
    fn samples(&self) -> Arc<dyn SampleStore> {
        self.store()
    }

    /// The adapter.
    fn secrets(&self) -> Arc<dyn SecretStore> {
        self.store()
    }

    /// The adapter.
    fn probe(&self) -> Arc<dyn StoreProbe> {
        self.store()
    }
}

/// Stamps out all suites that a store must pass, one module each; takes an expression that makes a fresh
/// [`World`], `.await` allowed, which may use what is in scope.
#[macro_export]
macro_rules! store_contract {
    ($world:expr) => {
        mod collection {
            use super::*;
            $crate::collection_contract!($world);
        }
        mod lease {
            use super::*;
            $crate::lease_contract!($world);
        }
        mod outbox {
            use super::*;
            $crate::outbox_contract!($world);
        }
        mod samples {
            use super::*;
            $crate::samples_contract!($world);
        }
        mod secrets {
            use super::*;
            $crate::secrets_contract!($world);
        }
    };
}

/// A document with everything that documents can have.
///
/// Kept where workers are, since a seal reaches collections by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Key.
    pub id: String,
    /// Revision.
    pub rev: u64,
    /// Counted up by writers that race.
    pub count: u64,
    /// Field that not every parcel has, at most once.
    pub label: Option<String>,
    /// Field that a parcel has any number of times.
    pub tags: Vec<String>,
    /// Unique keys.
    pub marks: Vec<String>,
}

impl Document for Parcel {
    const COLLECTION: &'static str = Worker::COLLECTION;
    const NOUN: &'static str = "parcel";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn unique(&self) -> Vec<String> {
        self.marks.clone()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let labels = self.label.iter().map(|label| ("label", label.clone()));
        labels.chain(self.tags.iter().map(|tag| ("tag", tag.clone()))).collect()
    }
}

impl Parcel {
    /// Makes one that was never written.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), rev: 1, ..Self::default() }
    }

    /// Returns it with a label.
    #[must_use]
    pub fn labeled(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    /// Returns it with tags.
    #[must_use]
    pub fn tagged(mut self, tags: &[&str]) -> Self {
        self.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        self
    }

    /// Returns it with unique keys.
    #[must_use]
    pub fn marked(mut self, marks: &[&str]) -> Self {
        self.marks = marks.iter().map(|&mark| mark.to_owned()).collect();
        self
    }

    /// Returns it as its next write leaves it.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { rev: self.rev + 1, count: self.count + 1, ..self.clone() }
    }

    /// Returns the `n`-th change of this revision.
    #[must_use]
    pub fn change(&self, n: u64) -> Change {
        Change {
            id: format!("{}/{}/{}.{n}", Self::COLLECTION, self.id, self.rev),
            kind: Kind::WorkerStateChanged,
            subject: Subject::Fleet(format!("parcel/{}", self.id)),
            time: Timestamp::from_millis(1_700_000_000_000),
            data: serde_json::json!({ "rev": self.rev, "n": n }).into(),
            traceparent: None,
        }
    }
}

/// A [`Parcel`] of a later release, which writes more of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterParcel {
    /// What was there before.
    #[serde(flatten)]
    pub parcel: Parcel,
    /// What was added.
    #[serde(default)]
    pub weight: Option<u64>,
    /// The same deeper inside.
    #[serde(default)]
    pub sender: BTreeMap<String, String>,
}

impl Document for LaterParcel {
    const COLLECTION: &'static str = Parcel::COLLECTION;
    const NOUN: &'static str = Parcel::NOUN;
    const FORMAT: u64 = Parcel::FORMAT + 1;

    fn key(&self) -> String {
        self.parcel.key()
    }

    fn rev(&self) -> u64 {
        self.parcel.rev()
    }

    fn unique(&self) -> Vec<String> {
        self.parcel.unique()
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let weight = self.weight.map(|weight| ("weight", weight.to_string()));
        self.parcel.fields().into_iter().chain(weight).collect()
    }
}

/// The plainest document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slip {
    /// Key.
    pub id: String,
    /// Revision.
    pub rev: u64,
}

impl Document for Slip {
    const COLLECTION: &'static str = "slips";
    const NOUN: &'static str = "slip";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

/// Adds a parcel as an intent, without changes.
pub(super) async fn add(world: &dyn World, parcel: &Parcel) {
    world.parcels().insert(parcel, &[], Writer::Intent).await.unwrap();
}

/// Adds many parcels at once.
pub(super) async fn add_all(world: &dyn World, parcels: impl IntoIterator<Item = Parcel>) {
    let add_one = |parcel: Parcel| async move { add(world, &parcel).await };
    join_all(parcels.into_iter().map(add_one)).await;
}

/// Returns what is stored.
pub(super) async fn stored(world: &dyn World, id: &str) -> Parcel {
    world.parcels().get(id).await.unwrap()
}

/// Returns the keys of one page.
pub(super) async fn keys(world: &dyn World, query: &Query) -> Vec<String> {
    let page = world.parcels().list(query).await.unwrap();
    page.items.into_iter().map(|parcel| parcel.id).collect()
}

/// Returns everything that waits to be told.
pub(super) async fn waiting(world: &dyn World) -> Vec<Pending> {
    world.outbox().pending(usize::MAX).await.unwrap()
}

/// Returns the ids of the changes of one parcel that wait to be told, in order.
pub(super) async fn waiting_of(world: &dyn World, id: &str) -> Vec<String> {
    let all = waiting(world).await.into_iter();
    let own = all.filter(|pending| pending.collection == Parcel::COLLECTION && pending.key == id);
    own.flat_map(|pending| pending.changes).map(|change| change.id).collect()
}
