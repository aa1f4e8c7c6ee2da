//! Sudden death: a process that writes as fast as it can is killed at random moments, again and again, on
//! one and the same file. Whatever it had acknowledged must be there, and nothing may be there by half.
//!
//! The process is this test binary itself, which finds the path of the file in its environment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ccm_ports::contract::store::Parcel;
use ccm_ports::{EventLog, Outbox, Query, Shared, StoreError, Writer};
use ccm_store::Embedded;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const FILE: &str = "CCM_TEST_STORE_TO_WRITE";
const ROUNDS: u32 = 40;
/// Documents that all tasks of the process write.
const CONTESTED: u64 = 3;

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "the way to tell a process of its own making")]
    if let Some(path) = std::env::var_os(FILE) {
        write_for_ever(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ccm.db");
    let mut random = StdRng::seed_from_u64(20_261_123);
    let mut known = Known::default();
    for round in 0..ROUNDS {
        let acknowledged = known.acknowledged;

        run_and_kill(&path, &mut random, &mut known);

        assert!(known.acknowledged > acknowledged, "round {round}: nothing was written");
        known.compare_with(&path, round);
    }
    assert!(known.places.len() > 100, "the log was hardly used: {}", known.places.len());
}

/// What the process said before it died.
#[derive(Default)]
struct Known {
    acknowledged: usize,
    /// The highest revision of each document.
    revs: BTreeMap<String, u64>,
    /// The change at each place of the log.
    places: BTreeMap<u64, String>,
}

/// Lets the process write until it has acknowledged so much, and kills it a moment later.
fn run_and_kill(path: &Path, random: &mut StdRng, known: &mut Known) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("crash::nothing_acknowledged_is_lost_when_the_process_is_killed")
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let enough = known.acknowledged + random.random_range(1..150);
    let moment = random.random_range(0..40_000);
    let mut killed = false;
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        known.note(&line.unwrap());
        if known.acknowledged >= enough && !killed {
            assert!(matches!(Embedded::open(path), Err(StoreError::Unavailable(_))));
            (0..moment).for_each(|_| std::hint::spin_loop());
            process.kill().unwrap();
            killed = true;
        }
    }
    let ended = process.wait().unwrap();
    assert!(killed, "the process ended by itself: {ended}");
}

impl Known {
    fn note(&mut self, line: &str) {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["put", key, rev, "."] => {
                let highest = self.revs.entry(key.to_owned()).or_default();
                *highest = rev.parse::<u64>().unwrap().max(*highest);
            }
            ["logged", place, id, "."] => {
                self.places.insert(place.parse().unwrap(), id.to_owned());
            }
            // What the test harness prints, and what was cut off.
            _ => return,
        }
        self.acknowledged += 1;
    }

    fn compare_with(&self, path: &Path, round: u32) {
        let (parcels, log, waiting) = read_all(path);
        for (key, rev) in &self.revs {
            let stored = parcels.get(key).map(|parcel| parcel.rev);
            assert!(stored >= Some(*rev), "round {round}: {key} is at {stored:?}, not {rev}");
        }
        for (place, id) in &self.places {
            assert_eq!(log.get(*place as usize - 1), Some(id), "round {round}: place {place}");
        }
        let distinct: BTreeSet<_> = log.iter().collect();
        assert_eq!(distinct.len(), log.len(), "round {round}: something was logged twice");
        let told: BTreeSet<_> = log.iter().chain(&waiting).cloned().collect();
        let committed = |parcel: &Parcel| {
            let parcel = parcel.clone();
            (1..=parcel.rev).map(move |rev| Parcel { rev, ..parcel.clone() }.change(0).id)
        };
        let expected: BTreeSet<_> = parcels.values().flat_map(committed).collect();
        assert_eq!(told, expected, "round {round}: changes and revisions differ");
        check_tables(path, round);
    }
}

type Everything = (BTreeMap<String, Parcel>, Vec<String>, Vec<String>);

/// Opens the file, which recovers it, and returns its documents, its log and what waits.
fn read_all(path: &Path) -> Everything {
    let store = Embedded::open(path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let all: Shared<Parcel> = Arc::new(store.clone());
        let mut parcels = BTreeMap::new();
        let mut query = Query::default();
        loop {
            let page = all.list(&query).await.unwrap();
            parcels.extend(page.items.into_iter().map(|parcel| (parcel.id.clone(), parcel)));
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
        let logged = EventLog::read(&store, 0, usize::MAX).await.unwrap();
        assert!(logged.iter().map(|entry| entry.seq).eq(1..=store.head().await.unwrap()));
        let log = logged.into_iter().map(|entry| entry.change.id).collect();
        let waiting = store.pending(usize::MAX).await.unwrap();
        let changes = waiting.into_iter().flat_map(|pending| pending.changes);
        (parcels, log, changes.map(|change| change.id).collect())
    })
}

/// Looks at the tables themselves: whatever is kept twice must agree.
fn check_tables(path: &Path, round: u32) {
    let conn = rusqlite::Connection::open(path).unwrap();
    let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok", "round {round}");
    for (what, sql) in [
        (
            "revisions",
            "SELECT count(*) FROM docs WHERE rev IS NOT json_extract(body, '$.rev')",
        ),
        (
            "index fields",
            "SELECT count(*) FROM docs AS d WHERE json_array(json_extract(body, '$.label')) IS NOT
             (SELECT json_group_array(value) FROM fields AS f WHERE f.coll = d.coll AND f.key = d.key)",
        ),
        (
            "unique keys",
            "SELECT count(*) FROM docs AS d WHERE json_extract(body, '$.marks') IS NOT
             (SELECT json_group_array(value) FROM uniques AS u WHERE u.coll = d.coll AND u.key = d.key)",
        ),
    ] {
        let wrong: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(wrong, 0, "round {round}: {what} differ from the documents");
    }
}

/// Inserts, replaces and relays until it is killed; says so after each acknowledgment.
fn write_for_ever(path: &Path) -> ! {
    let store = Embedded::open(path).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        tokio::join!(join_all((0..4).map(|_| write(&store))), relay(&store));
    });
    unreachable!("the tasks have no end");
}

async fn write(store: &Embedded) {
    let parcels: Shared<Parcel> = Arc::new(store.clone());
    loop {
        let id = format!("own-{:016x}", rand::random::<u64>());
        let mark = format!("mark-{id}");
        let first = Parcel::new(&id).labeled("1").marked(&[&mark]);
        parcels.insert(&first, &[first.change(0)], Writer::Intent).await.unwrap();
        say(format_args!("put {id} 1"));

        let contested = format!("contested-{}", rand::random::<u64>() % CONTESTED);
        for id in [id, contested] {
            let next = match parcels.find(&id).await.unwrap() {
                Some(before) => before.next().labeled(&(before.rev + 1).to_string()),
                None => Parcel::new(&id).labeled("1"),
            };
            let changes = [next.change(0)];
            let written = if next.rev == 1 {
                parcels.insert(&next, &changes, Writer::Intent).await
            } else {
                parcels.put(&next, &changes, Writer::Intent).await
            };
            match written {
                Ok(()) => say(format_args!("put {id} {}", next.rev)),
                Err(StoreError::Conflict | StoreError::Taken(_)) => {}
                Err(err) => panic!("{err:?}"),
            }
        }
    }
}

async fn relay(store: &Embedded) {
    loop {
        for seen in store.pending(16).await.unwrap() {
            let head = store.head().await.unwrap();
            for logged in store.append(head, &seen.changes).await.unwrap() {
                say(format_args!("logged {} {}", logged.seq, logged.change.id));
            }
            store.told(&[seen]).await.unwrap();
        }
    }
}

/// A line that is cut off by the kill has no dot and is not counted.
fn say(what: std::fmt::Arguments<'_>) {
    let line = format!("{what} .\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}
