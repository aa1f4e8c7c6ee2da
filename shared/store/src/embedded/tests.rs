//! The writer's promises, which need a look behind the ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use ccm_ports::contract::store::Parcel;
use ccm_ports::{Query, Shared, Writer as By};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::*;

fn parcels(store: &Embedded) -> Shared<Parcel> {
    Arc::new(store.clone())
}

async fn keys(store: &Embedded) -> Vec<String> {
    let page = parcels(store).list(&Query::default()).await.unwrap();
    page.items.into_iter().map(|parcel| parcel.id).collect()
}

async fn insert(store: &Embedded, parcel: Parcel) -> Result<(), StoreError> {
    parcels(store).insert(&parcel, &[parcel.change(0)], By::Intent).await
}

/// Keeps the writer busy with a commit of its own until the sender is dropped, so that what is sent meanwhile
/// shares the next one.
async fn hold(store: &Embedded) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let busy = store.write("hold", move |conn| {
        conn.execute("UPDATE log SET head = head", [])?;
        let _ = began.send(());
        let _ = held.recv();
        Ok(())
    });
    assert!(busy.now_or_never().is_none());
    begun.await.unwrap();
    release
}

/// A store that counts its commits, and refuses them while `refused` is above zero.
fn watched(refused: &Arc<AtomicUsize>) -> (Embedded, Arc<AtomicUsize>) {
    let commits = Arc::new(AtomicUsize::new(0));
    let mut conn = open_memory().unwrap();
    let (seen, refused) = (Arc::clone(&commits), Arc::clone(refused));
    let hook = move || {
        seen.fetch_add(1, Ordering::SeqCst);
        let left = refused.load(Ordering::SeqCst);
        refused.store(left.saturating_sub(1), Ordering::SeqCst);
        left > 0
    };
    conn.commit_hook(Some(hook)).unwrap();
    let parts = Parts {
        fenced: Fenced::default(),
        readers: None,
        writer: Writer::start(conn).unwrap(),
        vault: Vault::new(&SecretKey::random().unwrap()).unwrap(),
        place: PathBuf::new(),
        _lock: None,
    };
    (Embedded { parts: Arc::new(parts) }, commits)
}

#[tokio::test]
async fn a_refused_command_does_not_hurt_its_neighbors() {
    let (store, commits) = watched(&Arc::default());
    let release = hold(&store).await;

    let (a, twin, b, ()) = tokio::join!(
        insert(&store, Parcel::new("a").marked(&["m"])),
        insert(&store, Parcel::new("twin").labeled("l").marked(&["free", "m"])),
        insert(&store, Parcel::new("b")),
        async { drop(release) },
    );

    assert_eq!(commits.load(Ordering::SeqCst), 2, "one held the writer, one is shared");
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    assert!(matches!(&twin, Err(StoreError::Taken(mark)) if mark == "m"), "{twin:?}");
    assert_eq!(keys(&store).await, ["a", "b"]);
    insert(&store, Parcel::new("c").marked(&["free"])).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_everybody_in_it() {
    let refused = Arc::new(AtomicUsize::new(0));
    let (store, _) = watched(&refused);
    let release = hold(&store).await;

    // The first refusal is for the commit that held the writer.
    refused.store(2, Ordering::SeqCst);
    let (a, twin, b, ()) = tokio::join!(
        insert(&store, Parcel::new("a").marked(&["m"])),
        insert(&store, Parcel::new("twin").marked(&["m"])),
        insert(&store, Parcel::new("b")),
        async { drop(release) },
    );

    for outcome in [a, twin, b] {
        assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
    }
    assert_eq!(keys(&store).await, [""; 0]);
    insert(&store, Parcel::new("twin").marked(&["m"])).await.unwrap();
    assert_eq!(keys(&store).await, ["twin"]);
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path().join("ccm.db")).unwrap();
    insert(&store, Parcel::new("before")).await.unwrap();
    let allow = |pages: i64| {
        store.write("bound the file", move |conn| {
            Ok(conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
        })
    };
    allow(1).await.unwrap();

    let large = |nth: u32| Parcel::new(&format!("large{nth}")).labeled(&"x".repeat(100_000));
    let outcomes = join_all((0..3).map(|nth| insert(&store, large(nth)))).await;

    for outcome in outcomes {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(keys(&store).await, ["before"]);
    allow(1_000_000).await.unwrap();
    insert(&store, large(0)).await.unwrap();
    assert_eq!(keys(&store).await, ["before", "large0"]);
}

#[tokio::test]
async fn what_is_queued_is_committed_before_the_store_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ccm.db");
    let store = Embedded::open(&path).unwrap();
    let release = hold(&store).await;
    for nth in 0..100 {
        // Nobody waits for the answer.
        assert!(insert(&store, Parcel::new(&format!("{nth:03}"))).now_or_never().is_none());
    }
    drop(release);
    drop(store);

    let store = Embedded::open(&path).unwrap();

    assert_eq!(keys(&store).await.len(), 100);
}

#[tokio::test]
async fn a_reader_waits_for_no_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path().join("ccm.db")).unwrap();
    insert(&store, Parcel::new("a")).await.unwrap();
    let _release = hold(&store).await;

    let reads = (0..20).map(|_| keys(&store));

    assert!(join_all(reads).await.iter().all(|keys| keys == &["a"]));
}

#[tokio::test]
async fn every_commit_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path().join("ccm.db")).unwrap();

    let (journal, synchronous) = store
        .write("look at the settings", |conn| {
            let journal: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            let synchronous: i64 = conn.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
            Ok((journal, synchronous))
        })
        .await
        .unwrap();

    assert_eq!((&*journal, synchronous), ("wal", 2));
}
