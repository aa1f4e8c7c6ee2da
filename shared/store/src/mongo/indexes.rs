//! Every index, and why it is there. Each is paid for by every write, so the list is short.
//!
//! Made at each start, by every process; the server leaves alone what is there. A changed index gets a new
//! name, and the old one is dropped by hand when no older release runs any more.

use ccm_domain::{Command, DeadLetter, Lab, Run, Worker};
use ccm_ports::{Document as _, Login, Receipt, Reply, SEALED, StoreError};
use futures_util::future::try_join_all;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use super::Mongo;
use super::log::EVENTS;
use super::outbox::TELLING;
use super::secrets::SECRETS;

/// Which documents an index covers.
#[derive(Clone, Copy)]
enum Covers {
    All,
    /// Those that have the field.
    Some,
    /// Those that have the field, and no two with the same value.
    Unique,
}

/// Makes all indexes that are missing.
pub(super) async fn make(store: &Mongo) -> Result<(), StoreError> {
    let made = collections().into_iter().map(|(name, indexes)| make_in(store, name, indexes));
    try_join_all(made).await.map(drop)
}

async fn make_in(
    store: &Mongo,
    name: &'static str,
    indexes: Vec<IndexModel>,
) -> Result<(), StoreError> {
    let docs = store.collection::<Document>(name);
    store.run("make indexes", async move { docs.create_indexes(indexes).await }).await?;
    Ok(())
}

fn collections() -> Vec<(&'static str, Vec<IndexModel>)> {
    let mut all: Vec<_> = TELLING.iter().map(|name| (*name, of_documents(name))).collect();
    // Told again, a change keeps its place: it is looked for by its id, and never gets a second place.
    all.push((EVENTS, vec![index("change", doc! { "change": 1 }, Covers::Unique)]));
    // Expired secrets are dropped by each run of the pruning job.
    all.push((SECRETS, vec![index("expires", doc! { "expires": 1 }, Covers::All)]));
    all
}

fn of_documents(name: &str) -> Vec<IndexModel> {
    // The relay asks for the oldest changes many times a second, and nearly no document has any.
    let mut all = vec![index("waiting", doc! { "waiting": 1 }, Covers::Some)];
    if SEALED.contains(&name) {
        // The seal is repeated with every sweep, and then finds next to nothing.
        all.push(index("guard", doc! { "guard": 1 }, Covers::All));
    }
    all.extend(of_lists(name));
    all
}

/// What lists filter and sort by. A fleet has thousands of workers and labs, which the server filters and sorts
/// in milliseconds; only what jobs ask for again and again, and what grows without bound, has an index.
fn of_lists(name: &str) -> Vec<IndexModel> {
    match name {
        Worker::COLLECTION => vec![
            // One worker for an instance: two discoveries at once make one worker.
            index("unique", doc! { "unique": 1 }, Covers::Unique),
            // Each sweep reads the workers of one account and region.
            index("scope", doc! { "f.scope": 1 }, Covers::All),
            // Every few seconds: who is on the way to another state?
            index("open", doc! { "f.open": 1 }, Covers::Some),
            // Whoever waits for an operation knows its id only.
            index("operation", doc! { "f.operation": 1 }, Covers::Some),
            // Imports, and events from outside, know the instance only.
            index("instance", doc! { "f.instance": 1 }, Covers::Some),
        ],
        // A worker's labs are read whenever they are refreshed or shown.
        Lab::COLLECTION => vec![index("worker", doc! { "f.worker": 1 }, Covers::All)],
        Run::COLLECTION => vec![
            // Each tick of the scheduler: what is to begin next?
            index("next", doc! { "f.next": 1, "_id": 1 }, Covers::Some),
            // A new leader looks for what ran before it; the history has some hundred thousand.
            index("state", doc! { "f.state": 1 }, Covers::All),
            // The history is shown newest first.
            index("queued", doc! { "f.queued": 1, "_id": 1 }, Covers::All),
            // What ended long ago is forgotten.
            index("ended", doc! { "f.ended": 1 }, Covers::Some),
        ],
        Command::COLLECTION => vec![
            // Two wishes for the same thing are one, whoever asks at the same moment.
            index("unique", doc! { "unique": 1 }, Covers::Unique),
            // Each tick of the scheduler: what is due?
            index("due", doc! { "f.state": 1, "f.due": 1 }, Covers::All),
            // A wish looks for one that it can join.
            index("fold", doc! { "f.fold": 1 }, Covers::Some),
            // Operations are shown newest first, and old ones forgotten.
            index("asked", doc! { "f.asked": 1, "_id": 1 }, Covers::All),
        ],
        // Old ones are forgotten, a request or an event each.
        Reply::COLLECTION | Receipt::COLLECTION => {
            vec![index("at", doc! { "f.at": 1 }, Covers::All)]
        }
        Login::COLLECTION => vec![
            // Every few seconds: which of those whose streams are open ended?
            index("login", doc! { "f.login": 1 }, Covers::All),
            // The login server tells that a person, or one session of theirs, is logged out.
            index("subject", doc! { "f.subject": 1 }, Covers::All),
            index("sid", doc! { "f.sid": 1 }, Covers::Some),
            // What ended is forgotten.
            index("ends", doc! { "f.ends": 1 }, Covers::All),
        ],
        // Shown, requeued and sent again sink by sink.
        DeadLetter::COLLECTION => {
            vec![index("sink", doc! { "f.sink": 1, "f.state": 1 }, Covers::All)]
        }
        _ => Vec::new(),
    }
}

fn index(name: &str, keys: Document, covers: Covers) -> IndexModel {
    let (sparse, unique) = match covers {
        Covers::All => (None, None),
        Covers::Some => (Some(true), None),
        Covers::Unique => (Some(true), Some(true)),
    };
    let options =
        IndexOptions::builder().name(name.to_owned()).sparse(sparse).unique(unique).build();
    IndexModel::builder().keys(keys).options(options).build()
}
