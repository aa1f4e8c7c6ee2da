//! The file and what stands beside it: one process at a time, the right file, the right key.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{Epoch, Timestamp};
use ccm_ports::contract::store::Parcel;
use ccm_ports::{EventLog, LeaseRole, LeaseStore, Outbox, SecretStore, Shared, StoreError, Writer};
use ccm_store::Embedded;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

const SOON: Timestamp = Timestamp::from_millis(1_000);
const NOW: Timestamp = Timestamp::from_millis(0);

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ccm.db");
    (folder, path)
}

fn parcels(store: &Embedded) -> Shared<Parcel> {
    Arc::new(store.clone())
}

fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_extension(format!("db{what}"))
}

fn chain(err: StoreError) -> String {
    format!("{:#}", anyhow::Error::new(err))
}

#[tokio::test]
async fn everything_is_there_after_closing_and_opening() {
    let (_folder, path) = place();
    let parcel = Parcel::new("p").labeled("red").marked(&["m"]);
    {
        let store = Embedded::open(&path).unwrap();
        let changes = [parcel.change(0), parcel.change(1)];
        parcels(&store).insert(&parcel, &changes, Writer::Leader(Epoch(3))).await.unwrap();
        store.append(0, &changes[..1]).await.unwrap();
        store.take(LeaseRole::Relay, None, "me").await.unwrap();
        store.keep("token", &SecretString::from("hunter2"), SOON).await.unwrap();
    }

    let store = Embedded::open(&path).unwrap();

    assert_eq!(parcels(&store).get("p").await.unwrap(), parcel);
    let late = parcels(&store).put(&parcel.next(), &[], Writer::Leader(Epoch(2))).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    assert_eq!((store.backlog().await.unwrap(), store.head().await.unwrap()), (2, 1));
    let lease = LeaseStore::read(&store, LeaseRole::Relay).await.unwrap().unwrap();
    assert_eq!((lease.epoch, &*lease.holder), (Epoch(1), "me"));
    let secret = store.reveal("token", NOW).await.unwrap().unwrap();
    assert_eq!(secret.expose_secret(), "hunter2");
}

#[tokio::test]
async fn a_second_opening_is_refused_and_names_the_holder() {
    let (_folder, path) = place();
    let store = Embedded::open(&path).unwrap();

    let err = Embedded::open(&path).unwrap_err();

    assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}");
    let told = chain(err);
    assert!(told.contains(&format!("is in use by process {}", std::process::id())), "{told}");
    parcels(&store).insert(&Parcel::new("p"), &[], Writer::Intent).await.unwrap();
    drop(store);
    Embedded::open(&path).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_opening_by_another_name_is_refused() {
    let (folder, path) = place();
    let _store = Embedded::open(&path).unwrap();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();

    let err = Embedded::open(&link).unwrap_err();

    assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}");
}

#[tokio::test]
async fn a_missing_folder_is_made() {
    let folder = tempfile::tempdir().unwrap();

    Embedded::open(folder.path().join("a/b/ccm.db")).unwrap();

    assert!(folder.path().join("a/b/ccm.db").is_file());
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_untouched() {
    let (_folder, path) = place();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();

    let err = Embedded::open(&path).unwrap_err();

    assert!(matches!(err, StoreError::Corrupt(_)), "{err:?}");
    assert!(chain(err).contains("of another program"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_a_later_release_is_refused() {
    let (_folder, path) = place();
    drop(Embedded::open(&path).unwrap());
    let later = rusqlite::Connection::open(&path).unwrap();
    later.execute("INSERT INTO migrations (version, name) VALUES (99, 'later')", []).unwrap();
    drop(later);

    let err = Embedded::open(&path).unwrap_err();

    assert!(matches!(err, StoreError::Corrupt(_)), "{err:?}");
    assert!(chain(err).contains("a later release wrote it"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_as_corrupt() {
    let (_folder, path) = place();
    std::fs::write(&path, "hello ".repeat(1_000)).unwrap();

    let err = Embedded::open(&path).unwrap_err();

    assert!(matches!(err, StoreError::Corrupt(_)), "{err:?}");
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_told_with_its_name() {
    let (_folder, path) = place();
    let store = Embedded::open(&path).unwrap();
    parcels(&store).insert(&Parcel::new("p"), &[], Writer::Intent).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("UPDATE docs SET body = '{'", []).unwrap();

    let err = parcels(&store).get("p").await.unwrap_err();

    assert!(matches!(err, StoreError::Corrupt(_)), "{err:?}");
    assert!(chain(err).contains("read workers/p"));
}

#[tokio::test]
async fn no_file_holds_a_secret_in_plain_text() {
    let (folder, path) = place();
    let store = Embedded::open(&path).unwrap();
    store.keep("token", &SecretString::from("plain-as-day"), SOON).await.unwrap();

    let mut read = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"plain-as-day"));
        read += bytes.len();
    }

    assert!(read > 4_096);
    assert!(!format!("{store:?}").contains("plain-as-day"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_is_made_once_and_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_folder, path) = place();
    drop(Embedded::open(&path).unwrap());
    let key = std::fs::read(beside(&path, ".key")).unwrap();

    drop(Embedded::open(&path).unwrap());

    assert_eq!(std::fs::read(beside(&path, ".key")).unwrap(), key);
    assert_eq!(key.len(), 32);
    let mode = std::fs::metadata(beside(&path, ".key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_key_of_the_wrong_length_is_refused() {
    let (_folder, path) = place();
    std::fs::write(beside(&path, ".key"), "short").unwrap();

    let err = Embedded::open(&path).unwrap_err();

    assert!(matches!(err, StoreError::Corrupt(_)), "{err:?}");
}

/// What is altered, and how.
type Alteration = (&'static str, fn(&Path));

#[tokio::test]
async fn a_secret_is_bound_to_its_key_its_id_and_its_expiry() {
    let (_folder, path) = place();
    let changes: [Alteration; 3] = [
        ("key", |path| std::fs::write(beside(path, ".key"), [7; 32]).unwrap()),
        ("id", |path| alter(path, "UPDATE secrets SET id = 'token' WHERE id = 'other'")),
        ("expiry", |path| alter(path, "UPDATE secrets SET expires = 9000")),
    ];
    for (what, change) in changes {
        let store = Embedded::open(&path).unwrap();
        store.keep("token", &SecretString::from("hunter2"), SOON).await.unwrap();
        if what == "id" {
            store.keep("other", &SecretString::from("hunter3"), SOON).await.unwrap();
            store.drop_secret("token").await.unwrap();
        }
        assert!(store.reveal("token", NOW).await.is_ok());
        drop(store);

        change(&path);

        let store = Embedded::open(&path).unwrap();
        let err = store.reveal("token", NOW).await.unwrap_err();
        assert!(matches!(err, StoreError::Corrupt(_)), "{what}: {err:?}");
        assert!(!chain(err).contains("hunter"));
    }
}

fn alter(path: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(path).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test]
async fn callers_that_are_not_polled_hold_nobody_up() {
    let (_folder, path) = place();
    let parcels = parcels(&Embedded::open(&path).unwrap());
    let mut asked: Vec<_> = (0..64).map(|_| parcels.find("nothing")).collect();
    for one in &mut asked {
        // Once, as in a list that its owner does not look at for some time.
        let _ = futures_util::poll!(one.as_mut());
    }

    let found = tokio::time::timeout(Duration::from_secs(20), parcels.find("nothing")).await;

    assert!(found.expect("a read waits for callers that are asleep").unwrap().is_none());
}
